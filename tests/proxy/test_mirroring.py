"""Mirroring services of a proxy with two workers: which requests are copied, and what the copies are."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from msgspec.structs import replace

from proxy.mirroring.copy_budget import MAX_BYTES
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Server, Service
from tests.lab import http
from tests.lab.origin import Connection, Origin, Request, Start, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, watched
from tests.proxy.scraping import Scrape, wait_for_scrape
from tests.proxy.wire.client import Client

METRIC = "rondpoint_mirrored_requests_total"


class Mirrored:
    """A proxy with a main service and mirrors, whose names are those of the servers."""

    def __init__(self, proxy: Proxy, origin: Start) -> None:
        self.proxy = proxy
        self._origin = origin
        self.main = origin(http_response(b"main"))
        self.serve("main", self.main)

    def serve(self, name: str, origin: Origin | int, **options: object) -> None:
        port = origin if isinstance(origin, int) else origin.port
        service = Service(name, (Server(name, "127.0.0.1", port),))
        self.proxy.services[name] = replace(service, **options)

    def mirror(self, name: str = "copy", **options: object) -> Origin:
        """Create a service whose only server records the copies."""
        origin = self._origin(http_response(b"copy"))
        self.serve(name, origin, **options)
        return origin

    def route(self, *mirrors: Mirror, middlewares: tuple[str, ...] = (), **options: object) -> str:
        """Create a mirroring service, and return the host that leads there."""
        host = self.proxy.route(free_port())
        bare = host.removesuffix(".test")
        mirroring = replace(Mirroring(mirrors or (Mirror("copy", 100),)), **options)
        self.proxy.services[bare] = Service(
            bare, composition="mirroring", members=(Member("main"),), mirroring=mirroring
        )
        self.proxy.routers[bare] = replace(self.proxy.routers[bare], middlewares=middlewares)
        self.proxy.publish()
        return host

    def request(self, host: str, path: str = "/", method: str = "GET", body: bytes = b"") -> None:
        response = http.request(self.proxy.web, host, path, method=method, body=body)
        assert (response.status, response.text) == (200, "main")


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy(workers=2) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """A proxy with two workers."""
    yield from watched(shared)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    """A connection to `proxy`, and so to one of its workers."""
    with Client(proxy.web) as client:
        yield client


@pytest.fixture
def mirrored(proxy: Proxy, origin: Start) -> Mirrored:
    return Mirrored(proxy, origin)


def copies(origin: Origin, count: int) -> list[Request]:
    """Return the copies once there are that many, with their content."""
    until(lambda: sum(request.complete for request in list(origin.requests)) >= count, f"{count} copies")
    return origin.requests


def test_a_share_of_requests_is_copied_exactly_and_evenly(mirrored: Mirrored) -> None:
    some, most = mirrored.mirror("some"), mirrored.mirror("most")
    host = mirrored.route(Mirror("some", 25), Mirror("most", 70), Mirror("none", 0))
    for number in range(40):
        mirrored.request(host, f"/{number}")
    # Exact, unless tickets were late, which shifts the copies.
    assert len(copies(some, 8)) <= 12
    assert len(copies(most, 26)) <= 30
    numbers = sorted(int(request.target[1:]) for request in some.requests)
    assert max(after - before for before, after in pairwise(numbers)) <= 8


def test_a_copy_is_the_request_that_the_main_server_gets(mirrored: Mirrored) -> None:
    mirrored.proxy.middlewares["strip@x"] = Middleware("strip@x", "stripPrefix", {"prefixes": ["/api"]})
    copy = mirrored.mirror()
    host = mirrored.route(middlewares=("strip@x",))
    headers = [("X-A", "b"), ("Cookie", "c=d"), ("X-Forwarded-For", "192.0.2.7")]
    http.request(mirrored.proxy.web, host, "/api/a%2Fb?c", headers=headers)
    (request,) = copies(copy, 1)
    (original,) = mirrored.main.requests
    assert request.head.split(b"\r\n", 1)[0] == b"GET /a%2Fb?c HTTP/1.1"
    assert sorted(request.headers) == sorted(original.headers)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
def test_requests_of_any_method_are_copied(mirrored: Mirrored, method: str) -> None:
    copy = mirrored.mirror()
    host = mirrored.route()
    http.request(mirrored.proxy.web, host, "/x", method=method)
    assert [request.method for request in copies(copy, 1)] == [method]


CHUNKED = b"5;ext\r\nhello\r\n6\r\n world\r\n0\r\nX-T: u\r\n\r\n"


@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 11", b"hello world"), ("Transfer-Encoding: chunked", CHUNKED)],
)
@pytest.mark.parametrize("limit", [-1, 11])
def test_a_body_is_copied(mirrored: Mirrored, client: Client, framing: str, body: bytes, limit: int) -> None:
    copy = mirrored.mirror()
    host = mirrored.route(max_body_size=limit)
    for piece in (body, body[:4]):
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n".encode()
        # The second time, the content comes in two parts.
        client.send(head + piece)
        if piece is not body:
            client.send(body[4:])
        assert client.answer().body == b"main"
    for request in (*mirrored.main.requests, *copies(copy, 2)):
        assert (request.body, request.all("Content-Length")) == (b"hello world", ["11"])
        assert not request.all("Transfer-Encoding")


@pytest.mark.parametrize(
    ("framing", "body", "seen"),
    [
        ("Content-Length: 11", b"hello world", b"hello world"),
        ("Transfer-Encoding: chunked", CHUNKED, b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: u\r\n\r\n"),
    ],
)
def test_a_request_with_a_larger_body_is_not_copied_and_passes_whole(
    mirrored: Mirrored, client: Client, framing: str, body: bytes, seen: bytes
) -> None:
    copy = mirrored.mirror()
    host = mirrored.route(max_body_size=10)
    head = f"POST /large HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n".encode()
    for piece in (body, body[:16]):
        client.send(head + piece)
        if piece is not body:
            client.send(body[16:])
        assert client.answer().body == b"main"
    mirrored.request(host, "/after")
    assert [request.target for request in copies(copy, 1)] == ["/after"]
    assert [whole(request.body) for request in mirrored.main.requests[:2]] == [whole(seen)] * 2


def whole(body: bytes) -> bytes:
    """Return the content and trailers, whatever the chunks were."""
    return body if b"\r\n" not in body else b"".join(body.split(b"\r\n")[1::2]) + body[-8:]


def test_a_copy_without_the_body_has_no_content(mirrored: Mirrored) -> None:
    copy = mirrored.mirror()
    host = mirrored.route(mirror_body=False, max_body_size=1)
    mirrored.request(host, method="POST", body=b"hello")
    (request,) = copies(copy, 1)
    assert (request.method, request.body, request.all("Content-Length")) == ("POST", b"", ["0"])
    assert mirrored.main.requests[0].body == b"hello"


def test_the_client_waits_for_no_mirror(mirrored: Mirrored, client: Client, origin: Start) -> None:
    release = threading.Event()

    def holds(connection: Connection) -> None:
        while connection.read() is not None:
            release.wait(30)
            connection.send(http_response(b"copy"))

    held = origin(holds)
    mirrored.serve("copy", held)
    host = mirrored.route()
    for _ in range(3):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().body == b"main"
    copies(held, 3)
    release.set()


def ends(connection: Connection) -> None:
    connection.read()


def test_a_failing_main_server_does_not_keep_requests_from_the_mirrors(mirrored: Mirrored) -> None:
    copy = mirrored.mirror()
    mirrored.serve("main", free_port())
    host = mirrored.route()
    assert mirrored.proxy.status(host) == 502
    copies(copy, 1)


def test_middlewares_and_members_of_mirrors_apply_to_copies_alone(mirrored: Mirrored) -> None:
    add = Middleware("add@x", "addPrefix", {"prefix": "/outer"})
    inner = Middleware("inner@x", "addPrefix", {"prefix": "/inner"})
    mirrored.proxy.middlewares.update({"add@x": add, "inner@x": inner})
    copy = mirrored.mirror(middlewares=("inner@x",))
    mirrored.proxy.services["group"] = Service(
        "group", composition="failover", members=(Member("gone"), Member("copy")), middlewares=("add@x",)
    )
    host = mirrored.route(Mirror("group", 100))
    mirrored.request(host, "/x", "POST", b"hello")
    (request,) = copies(copy, 1)
    assert (request.target, request.body) == ("/inner/outer/x", b"hello")
    assert mirrored.main.requests[0].target == "/x"


@pytest.mark.parametrize("outer", [True, False])
def test_a_body_is_copied_from_and_into_the_buffers_of_middlewares(mirrored: Mirrored, outer: bool) -> None:
    mirrored.proxy.middlewares["buffer@x"] = Middleware("buffer@x", "buffering", {"memRequestBodyBytes": 2})
    copy = mirrored.mirror(middlewares=() if outer else ("buffer@x",))
    host = mirrored.route(middlewares=("buffer@x",) if outer else ())
    mirrored.request(host, "/x", "POST", b"hello")
    assert [request.body for request in copies(copy, 1)] == [b"hello"]
    assert mirrored.main.requests[0].body == b"hello"


def test_a_mirror_may_be_mirrored_itself_and_a_mirroring_service_a_member(mirrored: Mirrored) -> None:
    first, second = mirrored.mirror("first"), mirrored.mirror("second")
    mirrored.proxy.services["again"] = Service(
        "again",
        composition="mirroring",
        members=(Member("first"),),
        mirroring=Mirroring((Mirror("second", 100),)),
    )
    inner = mirrored.route(Mirror("again", 100)).removesuffix(".test")
    host = mirrored.proxy.route(free_port())
    bare = host.removesuffix(".test")
    mirrored.proxy.services[bare] = Service(bare, composition="weighted", members=(Member(inner),))
    mirrored.proxy.publish()
    mirrored.request(host, "/x", "POST", b"hello")
    for origin in (first, second):
        assert [request.body for request in copies(origin, 1)] == [b"hello"]


def test_an_upgrade_is_not_copied(mirrored: Mirrored, origin: Start) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    mirrored.serve("main", origin(switched))
    copy = mirrored.mirror()
    host = mirrored.route()
    with http.connect("127.0.0.1", mirrored.proxy.web) as connection:
        headers = [("Connection", "Upgrade"), ("Upgrade", "x")]
        connection.sendall(http.message(host, "/up", headers=headers))
        assert http.read_response(connection).status == 101
    mirrored.serve("main", mirrored.main)
    mirrored.proxy.publish()
    mirrored.request(host, "/after")
    assert [request.target for request in copies(copy, 1)] == ["/after"]


def test_an_invalid_body_gets_the_same_response_as_without_mirrors(
    mirrored: Mirrored, client: Client
) -> None:
    copy = mirrored.mirror()
    host = mirrored.route()
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
    assert client.answer().status == 400
    mirrored.request(host, "/after")
    assert [request.target for request in copies(copy, 1)] == ["/after"]


@pytest.fixture
def measured(origin: Start) -> Iterator[Mirrored]:
    """With one worker, whose metrics count from zero."""
    with lone_proxy("--metrics.prometheus=true") as proxy:
        yield Mirrored(proxy, origin)


def wait_for_counts(mirrored: Mirrored, **expected: int) -> None:
    def agree(page: Scrape) -> bool:
        return all(page.sum(METRIC, outcome=outcome) == count for outcome, count in expected.items())

    wait_for_scrape(mirrored.proxy.admin, agree, f"{expected} copies")


def test_a_failing_mirror_changes_nothing_for_the_client_and_is_counted(
    measured: Mirrored, origin: Start
) -> None:
    measured.serve("unreachable", free_port())
    measured.serve("ends", origin(ends))
    measured.serve("errs", origin(http_response(b"no", "500 Oh")))
    measured.serve("closed", origin(http_response(b"x")), middlewares=("lost@x",))
    names = ("unreachable", "ends", "errs", "closed", "missing")
    measured.request(measured.route(*(Mirror(name, 100) for name in names)))
    wait_for_counts(measured, sent=1, failed=4, dropped=0)


def test_a_long_response_of_a_mirror_is_read_to_its_end_and_the_connection_used_again(
    measured: Mirrored, origin: Start
) -> None:
    long = origin(http_response(bytes(8_000_000)))
    measured.serve("copy", long)
    host = measured.route()
    for number in range(1, 3):
        measured.request(host)
        wait_for_counts(measured, sent=number)
    assert long.connections == 1


def test_a_server_that_resets_the_connection_to_refuse_content_is_not_ejected(
    measured: Mirrored, origin: Start
) -> None:
    def refuses(connection: Connection) -> None:
        connection.read_head()
        connection.reset()

    measured.serve("copy", origin(refuses))
    measured.request(measured.route(), method="POST", body=b"hello")
    wait_for_counts(measured, failed=1)
    assert "is ejected" not in measured.proxy.process.log


def test_a_body_beyond_the_limit_for_copies_is_dropped_and_the_request_passes(
    measured: Mirrored,
) -> None:
    copy = measured.mirror()
    host = measured.route()
    body = bytes(MAX_BYTES + 1)
    measured.request(host, "/large", "POST", body)
    wait_for_counts(measured, dropped=1)
    assert "are dropped" in measured.proxy.process.log
    measured.request(host, "/after", "POST", b"hello")
    assert [request.target for request in copies(copy, 1)] == ["/after"]
    assert measured.main.requests[0].body == body


@pytest.mark.parametrize("memory", [1, 1_000_000])
@pytest.mark.parametrize("place", ["router", "mirror"])
def test_a_buffered_body_is_copied(mirrored: Mirrored, place: str, memory: int) -> None:
    mirrored.proxy.middlewares["buffering@x"] = Middleware(
        "buffering@x", "buffering", {"memRequestBodyBytes": memory}
    )
    names = ("buffering@x",)
    copy = mirrored.mirror(middlewares=names if place == "mirror" else ())
    host = mirrored.route(middlewares=names if place == "router" else ())
    body = bytes(range(256)) * 1000
    mirrored.request(host, method="POST", body=body)
    copy.wait_for_requests(1)
    until(lambda: copy.requests[0].body == body, "the whole copy")
    assert mirrored.main.requests[0].body == body


def test_a_mirror_s_authentication_server_is_asked_after_the_client_has_gone(
    mirrored: Mirrored, origin: Start
) -> None:
    auth = origin(http_response(b""))
    mirrored.proxy.middlewares["auth@x"] = Middleware("auth@x", "forwardAuth", {"address": auth.url})
    copy = mirrored.mirror(middlewares=("auth@x",))
    host = mirrored.route()
    for _ in range(5):
        mirrored.request(host)
    copy.wait_for_requests(5)
    assert len(auth.requests) == 5
