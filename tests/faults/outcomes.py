"""The messages between a test and the clients of its load: plan, failures, tally."""

from msgspec import Struct

FAILURES = "failures.jsonl"
PROGRESS = "progress"
TALLY = "tally.json"


class Plan(Struct, frozen=True):
    """The clients of a load and their requests.

    Clients are numbered from 0: even ones use keep-alive connections, odd ones do not. The first `clients` of
    them send GET, `posts` more send POST. After them come `http2` clients of HTTP/2 in clear text: each sends
    several requests at a time on one connection, GET, and if there are `posts`, POST by turns. Clients are
    spread over `ports`, and a refused connection is a failed request. With `handover`, each client uses the
    first port that accepts, like clients with several addresses.
    """

    ports: tuple[int, ...]
    host: str
    path: str = "/"
    clients: int = 8
    posts: int = 0
    http2: int = 0
    handover: bool = False
    pause: float = 0.01
    """Seconds between a response and the client's next request: the load is steady, not heavy."""
    patience: float = 30.0
    """The time limit of a response in seconds."""


class Failure(Struct, frozen=True):
    """A request without a complete response with status 200.

    Without a complete response, `status` is 0 and `is_complete` is false. `nth` counts the requests on its
    connection from 1. Times are Unix seconds; bytes are as on the wire, decoded as Latin-1.
    """

    client: int
    number: int
    method: str
    nth: int
    port: int
    local_port: int
    began: float
    ended: float
    reason: str
    status: int
    is_complete: bool
    sent: str
    received: str

    @property
    def is_lost_post(self) -> bool:
        """Whether it is a POST, which must not be repeated, and its client got a 502."""
        return self.method == "POST" and self.is_complete and self.status == 502

    @property
    def is_reported(self) -> bool:
        """Whether the client got a complete response that reports the failure."""
        return self.is_complete and self.status in {502, 503, 504}


class Tally(Struct):
    """The counts of all clients.

    `reconnected` counts keep-alive connections that had ended before the next request; `moved` counts
    connections that one port refused and another accepted. `repeated` counts requests of HTTP/2 that a server
    had announced not to serve (RFC 9113, section 8.7), so the client sent them again.
    """

    sent: int = 0
    succeeded: int = 0
    failed: int = 0
    reconnected: int = 0
    moved: int = 0
    repeated: int = 0
    slowest: float = 0.0
