"""The middleware buffering on the wire: whole requests and responses, limits, retries, clients that leave."""

import re
import resource
import tempfile
import threading
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

OK = http_response(b"served")
LONG = bytes(range(256)) * 12_000
CHUNKED = [("Transfer-Encoding", "chunked")]


def chunks(content: bytes, size: int = 50_000) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def buffered(
    proxy: Proxy, *origins: Origin | int, outer: tuple[Middleware, ...] = (), **options: object
) -> str:
    """Return a host whose router has the middleware, after the `outer` ones."""
    name = f"buffering{len(proxy.middlewares)}@x"
    proxy.middlewares[name] = Middleware(name, "buffering", options)
    proxy.middlewares.update((each.name, each) for each in outer)
    return proxy.route(*origins, middlewares=(*(each.name for each in outer), name))


@pytest.mark.parametrize("memory", [0, 1, 100_000, 10_000_000])
@pytest.mark.parametrize("content", [b"x", LONG], ids=["short", "long"])
def test_a_chunked_request_reaches_the_server_with_a_length(
    proxy: Proxy, origin: Start, content: bytes, memory: int
) -> None:
    seen = origin(OK)
    host = buffered(proxy, seen, memRequestBodyBytes=memory)
    body = chunks(content)
    assert http.request(proxy.web, host, method="POST", headers=CHUNKED, body=body).status == 200
    request = seen.requests[-1]
    assert request.header("Content-Length") == str(len(content))
    assert request.header("Transfer-Encoding") is None
    assert request.body == content


def test_no_server_is_asked_before_the_whole_body_is_there(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    seen = origin(OK)
    host = buffered(proxy, seen)
    client.send(http.message(host, method="POST", headers=[("Content-Length", "6")], body=b"abc"))
    # The same worker serves this request in the meantime.
    assert proxy.status(buffered(proxy, seen)) == 200
    assert [request.method for request in seen.requests] == ["GET"]
    client.send(b"def")
    assert client.answer().status == 200
    assert seen.requests[-1].body == b"abcdef"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([], b"x" * 100, 200),
        ([], b"x" * 101, 413),
        (CHUNKED, chunks(b"x" * 100, 30), 200),
        (CHUNKED, chunks(b"x" * 101, 30), 413),
        ([], b"", 200),
    ],
)
def test_a_request_with_a_longer_body_is_refused(
    proxy: Proxy, origin: Start, headers: list[tuple[str, str]], body: bytes, status: int
) -> None:
    seen = origin(OK)
    host = buffered(proxy, seen, maxRequestBodyBytes=100, memRequestBodyBytes=10)
    response = http.request(proxy.web, host, method="PUT", headers=headers, body=body)
    assert (response.status, len(seen.requests)) == (status, int(status == 200))


def test_a_client_that_expects_it_gets_100_continue(proxy: Proxy, origin: Start, client: Client) -> None:
    seen = origin(OK)
    host = buffered(proxy, seen)
    client.send(
        http.message(host, method="POST", headers=[("Content-Length", "3"), ("Expect", "100-continue")])
    )
    assert client.exactly(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"abc")
    assert client.answer().status == 200
    assert seen.requests[-1].header("Expect") is None


@pytest.mark.parametrize(
    "options", [{"memRequestBodyBytes": 1}, {"memRequestBodyBytes": 10_000}], ids=["disk", "memory"]
)
def test_pipelined_requests_keep_their_bounds(
    proxy: Proxy, origin: Start, client: Client, options: dict[str, object]
) -> None:
    seen = origin(OK)
    inner = Middleware("deny@x", "ipAllowList", {"sourceRange": ["192.0.2.1/32"]})
    open_host = buffered(proxy, seen, **options)
    closed_host = buffered(proxy, seen, **options)
    name = closed_host.removesuffix(".test")
    router = proxy.routers[name]
    proxy.middlewares[inner.name] = inner
    proxy.routers[name] = type(router)(
        name, router.rule, router.service, 10, middlewares=(*router.middlewares, inner.name)
    )
    proxy.publish()
    messages = [
        http.message(host, f"/{number}", method="POST", body=b"G" * size)
        for number, (host, size) in enumerate(
            [(open_host, 5), (closed_host, 100), (open_host, 50), (closed_host, 3), (open_host, 1)]
        )
    ]
    client.send(b"".join(messages))
    assert [client.answer().status for _ in messages] == [200, 403, 200, 403, 200]
    assert [(request.target, len(request.body)) for request in seen.requests] == [
        ("/0", 5),
        ("/2", 50),
        ("/4", 1),
    ]


class Slow:
    """A server that sends the first part of a response, and the rest when it is told to."""

    def __init__(self, first: bytes, rest: bytes) -> None:
        self._first, self._rest = first, rest
        self.release = threading.Event()
        self.gone = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.read()
        connection.send(self._first)
        connection.socket.settimeout(0.05)
        while not self.release.is_set():
            try:
                if not connection.socket.recv(1):
                    self.gone.set()
                    return
            except TimeoutError:
                continue
        connection.send(self._rest)


def test_the_client_gets_nothing_before_the_whole_response_is_there(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    slow = Slow(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n", b"data: 2\n\n")
    host = buffered(proxy, origin(slow))
    client.send(http.message(host))
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.exactly(1)
    client.socket.settimeout(30)
    slow.release.set()
    response = client.answer()
    assert response.body == b"data: 1\n\ndata: 2\n\n"
    assert response.header("Content-Length") == "18"


@pytest.mark.parametrize("memory", [1, 100_000, 10_000_000])
@pytest.mark.parametrize(
    "framed",
    [
        http_response(LONG),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(LONG),
    ],
    ids=["length", "chunked"],
)
def test_a_long_response_arrives_whole_and_the_connections_stay_open(
    proxy: Proxy, origin: Start, client: Client, framed: bytes, memory: int
) -> None:
    seen = origin(framed)
    host = buffered(proxy, seen, memResponseBodyBytes=memory)
    for _ in range(3):
        client.send(http.message(host))
        response = client.answer()
        assert response.header("Content-Length") == str(len(LONG))
        assert response.body == LONG
    assert seen.connections == 1


def test_trailers_reach_the_client(proxy: Proxy, origin: Start) -> None:
    coded = chunks(b"content")[:-2] + b"Grpc-Status: 0\r\n\r\n"
    seen = origin(b"HTTP/1.1 200 OK\r\nTrailer: Grpc-Status\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)
    data = http.raw(proxy.web, http.message(buffered(proxy, seen), close=True))
    assert data.endswith(b"7\r\ncontent\r\n0\r\nGrpc-Status: 0\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_responses_without_a_body_stay_as_they_are(proxy: Proxy, origin: Start, status: int) -> None:
    seen = origin(b"HTTP/1.1 %d X\r\nETag: a\r\n\r\n" % status)
    response = http.request(proxy.web, buffered(proxy, seen))
    assert (response.status, response.header("ETag"), response.body) == (status, "a", b"")


def test_a_response_to_head_keeps_its_length(proxy: Proxy, origin: Start) -> None:
    seen = origin(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    host = buffered(proxy, seen, maxResponseBodyBytes=10)
    response = http.request(proxy.web, host, method="HEAD")
    assert (response.status, response.header("Content-Length")) == (200, "1000")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (http_response(b"x" * 100), 200),
        (http_response(b"x" * 101), 500),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"x" * 101, 40), 500),
    ],
    ids=["equal", "length", "chunked"],
)
def test_a_longer_response_becomes_a_500(
    proxy: Proxy, origin: Start, client: Client, body: bytes, status: int
) -> None:
    seen = origin(body)
    host = buffered(proxy, seen, maxResponseBodyBytes=100, memResponseBodyBytes=10)
    client.send(http.message(host))
    response = client.answer()
    assert (response.status, b"xxx" in response.body) == (status, status == 200)
    # The client's connection stays usable in any case.
    client.send(http.message(host))
    assert client.answer().status == status


def test_an_outer_middleware_compresses_the_buffered_response(proxy: Proxy, origin: Start) -> None:
    seen = origin(http_response(b"text " * 1000))
    outer = (Middleware("zip@x", "compress", {}),)
    host = buffered(proxy, seen, outer=outer, memResponseBodyBytes=100)
    response = http.request(proxy.web, host, headers=[("Accept-Encoding", "gzip")])
    assert response.header("Content-Encoding") == "gzip"
    assert len(response.body) < 1000


def test_an_upgrade_is_not_buffered(proxy: Proxy, origin: Start, client: Client) -> None:
    def upgraded(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        while piece := connection.receive():
            connection.send(piece.upper())

    host = buffered(proxy, origin(upgraded))
    client.send(http.message(host, headers=[("Connection", "Upgrade"), ("Upgrade", "x")]))
    assert client.answer().status == 101
    client.send(b"ping")
    assert client.exactly(4) == b"PING"


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
    ],
)
def test_a_response_that_is_cut_short_becomes_a_502(proxy: Proxy, origin: Start, cut: bytes) -> None:
    def ending(connection: Connection) -> None:
        connection.read()
        connection.send(cut)

    assert proxy.status(buffered(proxy, origin(ending))) == 502


def test_a_client_that_leaves_ends_the_server_s_response(proxy: Proxy, origin: Start) -> None:
    slow = Slow(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"")
    seen = origin(slow)
    host = buffered(proxy, seen)
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host))
        seen.wait_for_requests(1)
    until(slow.gone.is_set, "the end of the connection to the server")


class Failing:
    """A server that sends `failure` a number of times, or ends the connection, before it serves."""

    def __init__(self, times: int, failure: bytes = b"") -> None:
        self._left = times
        self._failure = failure
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        while connection.read() is not None:
            with self._lock:
                self._left -= 1
                fails = self._left >= 0
            if fails and not self._failure:
                return
            connection.send(self._failure if fails else OK)


BAD = http_response(b"bad", status="503 Unavailable")


@pytest.mark.parametrize(
    ("expression", "failure", "method", "times", "status", "tries"),
    [
        ("IsNetworkError() && Attempts() < 3", b"", "POST", 2, 200, 3),
        ("IsNetworkError() && Attempts() < 3", b"", "POST", 3, 502, 3),
        ("IsNetworkError()", b"", "POST", 10, 200, 11),
        ("IsNetworkError()", b"", "POST", 11, 502, 11),
        ("IsNetworkError()", BAD, "POST", 1, 503, 1),
        ("ResponseCode() == 503", BAD, "POST", 2, 200, 3),
        ("ResponseCode() >= 500 && Attempts() <= 1", BAD, "POST", 2, 503, 2),
        ("ResponseCode() == 500 || Attempts() < 2", BAD, "POST", 2, 503, 2),
        ('ResponseCode() == 503 && RequestMethod() == "PUT"', BAD, "PUT", 1, 200, 2),
        ('ResponseCode() == 503 && RequestMethod() == "PUT"', BAD, "POST", 1, 503, 1),
        ("ResponseCode() == 503", BAD, "GET", 2, 200, 3),
        ("IsNetworkError()", b"", "GET", 2, 200, 3),
    ],
)
def test_retries_as_the_expression_says(
    proxy: Proxy,
    origin: Start,
    expression: str,
    failure: bytes,
    method: str,
    times: int,
    status: int,
    tries: int,
) -> None:
    failing = origin(Failing(times, failure))
    host = buffered(proxy, failing, retryExpression=expression, memRequestBodyBytes=1000)
    body = b"" if method == "GET" else LONG
    response = http.request(proxy.web, host, method=method, body=body)
    assert response.status == status
    assert len(failing.requests) == tries
    # A connection that is ended before the whole body has arrived leaves a part of it.
    assert all(request.body == body for request in failing.requests)


def test_a_response_that_is_cut_short_is_asked_for_again(proxy: Proxy, origin: Start) -> None:
    def ending(connection: Connection) -> None:
        connection.read()
        connection.send(OK[:-1] if len(connection.origin.requests) < 3 else OK)

    seen = origin(ending)
    host = buffered(proxy, seen, retryExpression="IsNetworkError()")
    assert proxy.get(host) == "served"
    assert len(seen.requests) == 3


def test_a_server_that_responds_too_late_is_asked_again(hasty: Proxy, origin: Start) -> None:
    def late(connection: Connection) -> None:
        connection.read()
        if len(connection.origin.requests) < 2:
            connection.receive()
        connection.send(OK)

    seen = origin(late)
    host = buffered(hasty, seen, retryExpression="ResponseCode() == 504 && Attempts() < 3")
    assert hasty.get(host) == "served"


def test_other_servers_are_tried_without_an_expression(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = buffered(proxy, free_port(), seen)
    for _ in range(2):
        assert http.request(proxy.web, host, method="POST", body=LONG).status == 200
    assert [len(request.body) for request in seen.requests] == [len(LONG)] * 2


def test_a_server_that_responds_early_does_not_get_the_rest(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    def early(connection: Connection) -> None:
        connection.read_head()
        connection.send(http_response(b"enough", status="413 Too Large"))
        connection.socket.shutdown(1)
        while connection.receive():
            pass

    host = buffered(proxy, origin(early), memRequestBodyBytes=1000)
    # More than the buffers between proxy and server take.
    client.send(http.message(host, method="POST", body=LONG * 8))
    assert client.answer().status == 413
    # The client has sent all of it, so its connection stays open.
    client.send(http.message(host, method="POST", body=b"more"))
    assert client.answer().status == 413


def test_clients_that_share_a_worker_do_not_wait_for_the_disk(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    uploading, plain = buffered(proxy, seen, memRequestBodyBytes=1), proxy.route(seen)
    threads = [
        threading.Thread(
            target=http.request, args=(proxy.web, uploading), kwargs={"method": "PUT", "body": LONG}
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert [proxy.status(plain) for _ in range(20)] == [200] * 20
    for thread in threads:
        thread.join()
    bodies = [request.body for request in seen.requests if request.method == "PUT"]
    assert len(bodies) == 4
    assert all(one == two == LONG for one, two in pairwise(bodies))


def test_without_space_on_the_disk_long_bodies_get_a_500(proxy: Proxy, origin: Start, client: Client) -> None:
    seen = origin(http_response(LONG))
    requests = buffered(proxy, origin(OK), memRequestBodyBytes=1000)
    responses = buffered(proxy, seen, memResponseBodyBytes=1000)
    (pid,) = descendants(proxy.process.pid)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        for _ in range(2):
            assert http.request(proxy.web, requests, method="PUT", body=LONG).status == 500
            client.send(http.message(responses))
            assert client.answer().status == 500
        assert http.request(proxy.web, requests, method="PUT", body=LONG[:900_000]).status == 200
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert http.request(proxy.web, requests, method="PUT", body=LONG).status == 200
    client.send(http.message(responses))
    assert client.answer().body == LONG
    assert "cannot be buffered on disk" in proxy.process.log


def test_without_space_on_the_disk_the_next_request_is_not_misread(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = buffered(proxy, seen, memRequestBodyBytes=1)
    messages = http.message(host, method="PUT", body=b"12345") + http.message(proxy.route(seen), close=True)
    (pid,) = descendants(proxy.process.pid)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    received = b""
    try:
        with http.connect("127.0.0.1", proxy.web) as connection:
            connection.sendall(messages)
            while piece := connection.recv(65536):
                received += piece
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"500"]
    assert b"\r\nConnection: close\r\n" in received


def unnamed_files(pid: int) -> list[str]:
    """Return the temporary files without a name that this process has open."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(descriptor.readlink()))
    return [link for link in found if link.startswith(tempfile.gettempdir()) and link.endswith("(deleted)")]


def test_no_temporary_file_outlives_its_request(proxy: Proxy, origin: Start) -> None:
    slow = Slow(http_response(LONG)[:-1], b"")
    seen = origin(slow)
    host = buffered(proxy, seen, memRequestBodyBytes=1000, memResponseBodyBytes=1000)
    (pid,) = descendants(proxy.process.pid)
    before = unnamed_files(pid)
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, method="PUT", body=LONG))
        # One for the request, one for the response.
        until(lambda: len(unnamed_files(pid)) == len(before) + 2, "both files")
    until(lambda: unnamed_files(pid) == before, "the end of both files")
