"""What a load is, and what its clients met: the words between them and the test that started them."""

from msgspec import Struct

FAILURES = "failures.jsonl"
PROGRESS = "progress"
TALLY = "tally.json"


class Plan(Struct, frozen=True):
    """Who asks for what. Clients are numbered from 0: even ones keep their connections, odd ones do not.

    The first `clients` of them send GET, `posts` more send POST. They are spread over `ports`, and a refused
    connection is a failed request; with `handover` all ask the first port that takes their connection, as
    clients that know several addresses do.
    """

    ports: tuple[int, ...]
    host: str
    path: str = "/"
    clients: int = 8
    posts: int = 0
    handover: bool = False
    pause: float = 0.01
    """Seconds between an answer and the client's next request: the load is to be steady, not heavy."""
    patience: float = 30.0
    """Seconds for an answer."""


class Failure(Struct, frozen=True):
    """A request that did not get a whole answer with status 200.

    `status` is 0, and `whole` false, where the answer did not come or was cut; `nth` counts the requests on
    its connection from 1. Times are Unix seconds; bytes are as on the wire, read as Latin-1.
    """

    client: int
    number: int
    method: str
    nth: int
    port: int
    local_port: int
    began: float
    ended: float
    what: str
    status: int
    whole: bool
    sent: str
    received: str

    @property
    def a_lost_post(self) -> bool:
        """Whether it must not be sent a second time, and its client was told that it failed."""
        return self.method == "POST" and self.whole and self.status == 502

    @property
    def honest(self) -> bool:
        """Whether the client was told: by a whole answer that says it failed."""
        return self.whole and self.status in {502, 503, 504}


class Tally(Struct):
    """All clients' counts. `reconnected`: kept connections that had ended before a request was sent on them;
    `moved`: connections that one port refused and another took.
    """

    sent: int = 0
    answered: int = 0
    failed: int = 0
    reconnected: int = 0
    moved: int = 0
    slowest: float = 0.0
