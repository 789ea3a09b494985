"""Copies within one process: when they are sent, dropped or left out, and what a worker holds for them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import gevent
import pytest

from proxy.balancing.composite_service import CompositeService
from proxy.http1.content_decoder import ContentDecoder, content_decoder
from proxy.http1.limits import Limits
from proxy.http1.request import Request
from proxy.limits.rate_limits import RateLimits
from proxy.middlewares.chains import Chains
from proxy.mirroring.copy_budget import MAX_COPIES, CopyBudget
from proxy.mirroring.mirrors import mirror_request
from proxy.per_request.extras import Extras
from proxy.telemetry.tallies import Tally
from rondpoint.model import Member, Mirror, Mirroring, Server, Service
from tests.lab.origin import Origin, Start, http_response
from tests.proxy.local_worker import LocalWorker


@dataclass
class Worker(LocalWorker):
    rate_limits: RateLimits = field(default_factory=RateLimits)
    chains: Chains = field(default_factory=Chains)
    copies: CopyBudget = field(default_factory=CopyBudget)


class Sender:
    """A client that has sent a whole request with this content."""

    def __init__(self, worker: Worker, content: bytes) -> None:
        self.context = worker
        self.buffer = content + b"GET /pipelined"
        self.entry_point = "web"
        self.limits = Limits()
        self.peer, self.tls, self.username = "192.0.2.1", "", b""
        self.entry_point = "web"
        self.status = 499
        self.stream = None
        self.timeouts = None
        self.tally = Tally()
        self.extras: Extras | None = None

    def forwarded(self, host: bytes) -> bytes:
        return b"\r\nX-Forwarded-Host: " + host

    def content_decoder(self, request: Request) -> ContentDecoder:
        return content_decoder(request, self.limits.underscores)

    def end(self, status: int) -> None:
        """End the exchange with this status."""
        self.status = status
        if self.extras is not None:
            self.extras.run_end_calls()


def a_request(content: bytes = b"") -> Request:
    request = Request()
    request.method, request.target, request.host = b"POST", b"/x", b"a.test"
    request.headers = b"\r\nHost: a.test\r\nExpect: 100-continue"
    request.version, request.size, request.kind, request.upgrade = 0, 0, 0, b""
    request.content_length, request.chunked, request.keep_alive = len(content) or -1, False, True
    return request


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    with made.running():
        yield made


@pytest.fixture
def copy(worker: Worker, origin: Start) -> Origin:
    """The server of the mirrors `a` and `b`."""
    server = origin(http_response(b"copy"))
    for name in "ab":
        worker.services.put(Service(name, (Server(name, "127.0.0.1", server.port),)))
    return server


def mirror(worker: Worker, client: Sender, request: Request, mirrors: str = "ab", **options: int) -> None:
    mirroring = Mirroring(tuple(Mirror(name, 100) for name in mirrors), **options)
    service = Service("s", composition="mirroring", members=(Member("main"),), mirroring=mirroring)
    mirror_request(worker, client, request, CompositeService(service))  # type: ignore[arg-type]


def wait(worker: Worker, **counts: int) -> None:
    """Wait until no copy is on its way, and compare the counts."""
    with gevent.Timeout(60):
        while worker.copies.active:
            gevent.sleep(0.005)
    copies = worker.copies
    assert {"sent": copies.sent, "failed": copies.failed, "dropped": copies.dropped} == counts
    assert copies.held == 0


def test_copies_are_sent_at_the_end_and_share_the_content_until_all_have_ended(
    worker: Worker, copy: Origin
) -> None:
    request, client = a_request(b"hello"), Sender(worker, b"hello")
    mirror(worker, client, request)
    # What the main service's middlewares do to the request does not concern the copies.
    request.target, request.headers = b"/changed", b""
    gevent.sleep(0.05)
    assert (worker.copies.active, worker.copies.held, copy.requests) == (0, 5, [])
    assert client.buffer == b"helloGET /pipelined"
    client.end(200)
    assert worker.copies.active == 2
    wait(worker, sent=2, failed=0, dropped=0)
    lines = b"POST /x HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Host: a.test\r\nContent-Length: 5\r\n\r\nhello"
    assert [seen.raw for seen in copy.requests] == [lines, lines]


def test_nothing_is_copied_if_the_client_leaves_before_the_response(worker: Worker, copy: Origin) -> None:
    client = Sender(worker, b"hello")
    mirror(worker, client, a_request(b"hello"))
    client.end(499)
    wait(worker, sent=0, failed=0, dropped=0)
    assert not copy.requests


def test_copies_beyond_the_limit_are_dropped(worker: Worker, copy: Origin) -> None:
    worker.copies.active = MAX_COPIES - 1
    client = Sender(worker, b"hello")
    mirror(worker, client, a_request(b"hello"))
    client.end(200)
    worker.copies.active -= MAX_COPIES - 1
    wait(worker, sent=1, failed=0, dropped=1)


def test_a_request_without_a_mirror_has_no_extras(worker: Worker) -> None:
    for options in ({"mirrors": ""}, {"max_body_size": 4}):
        client = Sender(worker, b"hello")
        mirror(worker, client, a_request(b"hello"), **options)  # type: ignore[arg-type]
        assert (client.extras, client.buffer) == (None, b"helloGET /pipelined")
    wait(worker, sent=0, failed=0, dropped=0)


def test_copies_to_nobody_fail(worker: Worker) -> None:
    worker.services.put(Service("a", (Server("a", "127.0.0.1", 1, weight=0),)))
    client = Sender(worker, b"")
    mirror(worker, client, a_request())
    client.end(200)
    wait(worker, sent=0, failed=2, dropped=0)
