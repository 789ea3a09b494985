"""Middlewares in Python on the wire, with a running proxy: heads, bodies, faults, and ends of any kind."""

import json
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.http1.chunked import ChunkedDecoder
from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.decoding import decode
from tests.lab.http2 import frames
from tests.lab.http2.client import Client as Http2Client
from tests.lab.http2.client import head
from tests.lab.origin import Connection, Handler, Origin, Request, Start
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.test_mirroring import Mirrored, copies
from tests.proxy.wire.client import Client

MODULE = Path(__file__).parent / "installed_middlewares.py"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Server: yes\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b"3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 5\r\n\r\n"
)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"


def closing(answer: bytes) -> Handler:
    """Return a handler that sends this answer to one request, and closes the connection."""

    def handle(connection: Connection) -> None:
        request = connection.read_head()
        if request is not None:
            connection.read_body(request)
            connection.socket.sendall(answer)

    return handle


@pytest.fixture(scope="module")
def running() -> Iterator[Proxy]:
    with lone_proxy(f"--middlewares.modules={MODULE},absent_module", "--accessLog.format=json") as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxy) -> Iterator[Proxy]:
    before = len(running.process.log)
    yield running
    running.withdraw()
    log = running.process.log[before:]
    assert "Booting worker" not in log, log


def served(proxy: Proxy, seen: Origin | int, *plugins: dict[str, object] | str) -> str:
    """Return the host of a router with these Python middlewares, in this order."""
    names = []
    for number, plugin in enumerate(plugins):
        options = {plugin: {}} if isinstance(plugin, str) else plugin
        name = f"m{number}@x"
        proxy.middlewares[name] = Middleware(name, "plugin", options)
        names.append(name)
    return proxy.route(seen, middlewares=tuple(names))


def content_of(request: Request) -> bytes:
    """Return the content of a recorded request."""
    if request.header("Transfer-Encoding") is None:
        return request.body
    return ChunkedDecoder().feed(request.body)


def test_a_middleware_that_only_forwards_changes_nothing(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    plain, plugged = proxy.route(seen), served(proxy, seen, "pass")
    expected = http.request(proxy.web, plain, "/a%2Fb?", headers=[("X-A", "b")])
    assert http.request(proxy.web, plugged, "/a%2Fb?", headers=[("X-A", "b")]) == expected
    first, second = (
        [header for header in request.headers if header[0] not in ("Host", "X-Forwarded-Host")]
        for request in seen.requests
    )
    assert first == second
    assert seen.requests[0].target == seen.requests[1].target


def test_the_scheme_is_what_a_trusted_proxy_in_front_says(origin: Start) -> None:
    seen = origin(OK)
    flags = (f"--middlewares.modules={MODULE}", "--entryPoints.web.forwardedHeaders.trustedIPs=127.0.0.1")
    with lone_proxy(*flags) as proxy:
        host = served(proxy, seen, "headers")
        http.request(proxy.web, host, headers=[("X-Forwarded-Proto", "https")])
    assert str(seen.requests[-1].header("X-Request")).startswith("GET https ")


def test_heads_change_in_both_directions(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, "headers")
    response = http.request(proxy.web, host, "/x?y", headers=[("Accept", "z")])
    request = seen.requests[-1]
    assert request.target == "/changed?q=1"
    assert request.header("X-Client") == "127.0.0.1"
    assert request.header("X-Request") == f"GET http {host} /x?y"
    assert request.all("X-Forwarded-Proto") == ["gopher"]
    assert request.header("Accept") is None
    assert (response.status, response.body, response.header("X-Server")) == (202, b"hello", "yes")
    assert response.header("X-Status") == "200"
    assert [value for name, value in response.headers if name == "Set-Cookie"] == ["a=b", "c=d"]


def test_headers_can_be_replaced_by_plain_dicts(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    with Client(proxy.web) as client:
        client.send(http.message(served(proxy, seen, "dict"), headers=[("X-Mine", "a")]))
        response = client.answer()
    assert (response.body, response.header("X-Only"), response.header("X-Server")) == (b"hello", "that", None)
    assert (seen.requests[-1].header("X-Only"), seen.requests[-1].header("X-Mine")) == ("this", None)


def test_a_middleware_responds_itself(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, "key")
    with Client(proxy.web) as client:
        for _ in range(2):
            client.send(http.message(host, method="POST", body=b"content"))
            response = client.answer()
            assert (response.status, response.body) == (401, b"who are you?")
            assert response.header("WWW-Authenticate") == "Key"
    assert not seen.requests
    assert http.request(proxy.web, host, headers=[("X-Key", "secret")]).status == 200
    until(lambda: '"ClientUsername":"alice"' in proxy.process.log, "the user's name in the access log")


def test_middlewares_run_in_order_and_share_a_context(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    assert proxy.status(served(proxy, seen, "first", "second")) == 200
    assert proxy.status(served(proxy, seen, "second", "first")) == 200
    assert [request.header("X-Seen") for request in seen.requests] == ["by first", ""]


def test_response_steps_of_outer_middlewares_apply_to_inner_responses(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    response = http.request(proxy.web, served(proxy, seen, "upper", "headers", "key"))
    assert (response.status, response.body, response.header("X-Status")) == (202, b"WHO ARE YOU?", "401")


BODIES = {"upper": b"HELLO", "whole": b"olleh", "peek": b"hello", "replace": b"another", "wrap": b"hello"}


@pytest.mark.parametrize("answer", [OK, CHUNKED, UNTIL_CLOSE], ids=["length", "chunks", "close"])
@pytest.mark.parametrize("plugin", BODIES)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_response_body_is_read_or_replaced(
    proxy: Proxy, origin: Start, answer: bytes, plugin: str, version: str
) -> None:
    host = served(proxy, origin(closing(answer) if answer is UNTIL_CLOSE else answer), plugin)
    with Client(proxy.web) as client:
        client.send(http.message(host).replace(b"HTTP/1.1", b"HTTP/" + version.encode(), 1))
        response = client.answer()
    assert (response.status, response.body) == (200, BODIES[plugin])


@pytest.mark.parametrize("plugin", BODIES)
def test_connections_stay_in_use(proxy: Proxy, origin: Start, plugin: str) -> None:
    seen = origin(OK)
    host = served(proxy, seen, plugin)
    with Client(proxy.web) as client:
        for _ in range(3):
            client.send(http.message(host, method="POST", body=b"upload"))
            assert client.answer().body == BODIES[plugin]
    assert seen.connections == 1


def test_trailers_follow_a_changed_body(proxy: Proxy, origin: Start) -> None:
    host = served(proxy, origin(CHUNKED), "upper")
    with Client(proxy.web) as client:
        client.send(http.message(host, close=True))
        received = client.rest()
    assert received.endswith(b"0\r\nX-Sum: 5\r\n\r\n")


@pytest.mark.parametrize(
    ("plugin", "body"),
    [
        ("pass", b"Upload"),
        ("peek", b"Upload"),
        ("whole", b"daolpU"),
        ("upper", b"UPLOAD"),
        ("produce", b"madeup"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_body_is_read_or_replaced(
    proxy: Proxy, origin: Start, plugin: str, body: bytes, chunked: bool
) -> None:
    seen = origin(OK)
    host = served(proxy, seen, plugin)
    with Client(proxy.web) as client:
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\n".encode()
        if chunked:
            client.send(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nUpl\r\n3\r\noad\r\n0\r\n\r\n")
        else:
            client.send(head + b"Content-Length: 6\r\n\r\nUpload")
        assert client.answer().status == 200
    (request,) = seen.requests
    assert content_of(request) == body


@pytest.mark.parametrize(
    ("plugin", "sent", "received"),
    [("pass", b"Upload", b"hello"), ("upper", b"UPLOAD", b"HELLO"), ("whole", b"daolpU", b"olleh")],
)
def test_a_stream_of_http_2_has_bodies_too(
    proxy: Proxy, origin: Start, plugin: str, sent: bytes, received: bytes
) -> None:
    seen = origin(CHUNKED)
    host = served(proxy, seen, plugin).encode()
    with Http2Client(proxy.web) as client:
        client.start()
        for cuts in ([b"Upload"], [b"Upl", b"oad"], [b"Upload", b""]):
            number = client.next_stream()
            client.send(frames.headers(number, head(b"/", b"POST", host), ended=False))
            for place, piece in enumerate(cuts, 1):
                client.send(frames.data(number, piece, ended=place == len(cuts)))
                assert client.ping()
            found = client.wait_for(number)
            assert (found.status, bytes(found.content)) == (200, received)
    assert [content_of(request) for request in seen.requests] == [sent] * 3


@pytest.mark.parametrize("plugin", ["peek", "whole", "upper", "constant"])
def test_a_client_that_waits_for_100_continue_gets_it_once(proxy: Proxy, origin: Start, plugin: str) -> None:
    seen = origin(OK)
    host = served(proxy, seen, plugin)
    with Client(proxy.web) as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        # From the proxy if the middleware reads the content, else from the server.
        assert client.answer().status == 100
        client.send(b"upload")
        assert client.answer().status == 200
    assert (seen.requests[-1].header("Expect") is None) == (plugin != "upper")


def test_a_middleware_cannot_read_on_after_an_invalid_chunk(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, "careless")
    with Client(proxy.web) as client:
        coding = [("Transfer-Encoding", "chunked")]
        client.send(http.message(host, method="POST", headers=coding, body=b"5\r\nhello!!"))
        client.send(b"\r\n0\r\n\r\n" + http.message(host))
        assert client.answer().status == 400
        assert client.ended()
    assert not seen.requests


def test_a_body_beyond_the_limit_gets_413_or_502(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, {"whole": {"limit": "4"}})
    assert http.request(proxy.web, host, method="POST", body=b"12345").status == 413
    assert not seen.requests
    assert http.request(proxy.web, host).status == 502


def test_a_middleware_streams_a_response(proxy: Proxy, origin: Start, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    host = served(proxy, origin(OK), "upper", {"stream": {"limit": 1000, "file": str(file)}})
    response = http.request(proxy.web, host)
    assert response.text.split() == [str(number) for number in range(1000)]
    assert response.header("Content-Type") == "text/plain"
    assert file.read_text() == "closed\n"


def test_compress_applies_outside_and_inside(proxy: Proxy, origin: Start) -> None:
    body = b"hello " * 500
    seen = origin(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3000\r\n\r\n" + body)
    proxy.middlewares["c@x"] = Middleware("c@x", "compress", {})
    for plugin, expected in (("upper", body.upper()), ("whole", body[::-1]), ("pass", body)):
        proxy.middlewares["p@x"] = Middleware("p@x", "plugin", {plugin: {}})
        host = proxy.route(seen, middlewares=("c@x", "p@x"))
        response = http.request(proxy.web, host, headers=[("Accept-Encoding", "gzip")])
        assert response.header("Content-Encoding") == "gzip"
        assert decode("gzip", response.body) == expected
    proxy.middlewares["p@x"] = Middleware("p@x", "plugin", {"peek": {}})
    host = proxy.route(seen, middlewares=("p@x", "c@x"))
    response = http.request(proxy.web, host, headers=[("Accept-Encoding", "gzip")])
    assert decode("gzip", response.body) == body
    assert response.header("X-Length") == str(len(response.body))


@pytest.mark.parametrize("plugin", ["upper", "whole", "peek", "replace", "pass", "headers", "wrap", "dict"])
@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_responses_without_content_end_at_once(
    proxy: Proxy, origin: Start, plugin: str, method: str, answer: bytes
) -> None:
    seen = origin(answer)
    host = served(proxy, seen, plugin)
    with Client(proxy.web) as client:
        for _ in range(2):
            client.send(http.message(host, method=method))
            response = client.answer(method)
            assert response.body == (b"another" if plugin == "replace" and method == "GET" else b"")
    if method == "HEAD" and plugin in ("upper", "whole", "peek", "pass"):
        assert response.header("Content-Length") == "5"


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b""), (200, b"hello"), (404, b"hello")])
def test_a_status_can_change_to_one_without_content(
    proxy: Proxy, origin: Start, status: int, body: bytes
) -> None:
    host = served(proxy, origin(OK), {"status": {"limit": status}})
    with Client(proxy.web) as client:
        for _ in range(2):
            client.send(http.message(host))
            response = client.answer()
            assert (response.status, response.body) == (status, body)
            assert (response.header("Content-Length") is None) == (not body)


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        ("fault-before", "LookupError: before the server"),
        ("fault-after", "LookupError: after the server"),
        ("exit", "SystemExit: 3"),
        ("twice", "RuntimeError: forward was called before: a request is forwarded at most once"),
        ("elsewhere", "RuntimeError: forward must be called in the middleware's own greenlet"),
        ("nothing", "TypeError: a middleware must return a Response, not None"),
        ({"status": {"limit": 99}}, "ValueError: 99 is not the status of a response"),
    ],
)
def test_a_fault_is_a_500_of_that_request_alone(
    proxy: Proxy, origin: Start, plugin: dict[str, object] | str, reason: str
) -> None:
    seen = origin(OK)
    host, plain = served(proxy, seen, plugin), proxy.route(seen)
    before = len(proxy.process.log)
    with Client(proxy.web) as client:
        for _ in range(2):
            client.send(http.message(host))
            response = client.answer()
            assert (response.status, response.body) == (500, b"500 internal server error\n")
        client.send(http.message(plain))
        assert client.answer().status == 200
    until(lambda: reason in proxy.process.log[before:], "the fault in the log")
    assert "middleware m0@x failed" in proxy.process.log[before:]


def test_outer_middlewares_see_the_500_of_an_inner_one(proxy: Proxy, origin: Start) -> None:
    response = http.request(proxy.web, served(proxy, origin(OK), "headers", "fault-after"))
    assert (response.status, response.header("X-Status")) == (202, "500")


def test_a_fault_in_a_body_cuts_the_response(proxy: Proxy, origin: Start) -> None:
    host = served(proxy, origin(OK), "fault-in-body")
    before = len(proxy.process.log)
    with Client(proxy.web) as client:
        client.send(http.message(host))
        received = client.rest()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n5\r\nhello\r\n")
    until(lambda: "LookupError: in the body" in proxy.process.log[before:], "the fault in the log")
    assert "middleware m0@x failed while it made a body" in proxy.process.log[before:]


def test_a_fault_in_an_upload_is_a_500(proxy: Proxy, origin: Start) -> None:
    def handle(connection: Connection) -> None:
        # Waits for the end of the body, which never comes.
        if connection.read_head() is not None:
            while connection.socket.recv(1000):
                pass

    host = served(proxy, origin(handle), "fault-in-upload")
    assert http.request(proxy.web, host, method="POST", body=b"x").status == 500


def test_blocking_sockets_hold_no_other_request(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        host, plain = served(proxy, seen, {"blocking": {"port": str(port)}}), proxy.route(seen)
        results: list[http.Response] = []
        client = threading.Thread(target=lambda: results.append(http.request(proxy.web, host)))
        client.start()
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(100) == b"before\n"
            assert proxy.status(plain) == 200
            accepted.sendall(b"go\n")
            assert accepted.recv(100) == b"after\n"
            assert proxy.status(plain) == 200
            accepted.sendall(b"done\n")
            client.join(30)
    assert [(each.status, each.header("X-Told")) for each in results] == [(200, "done")]
    assert "go" in [request.header("X-Told") for request in seen.requests]


def noted(file: Path) -> Callable[[], list[str]]:
    return lambda: file.read_text().split("\n")[:-1] if file.exists() else []


def test_a_client_that_leaves_ends_the_middleware(proxy: Proxy, origin: Start, tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def handle(connection: Connection) -> None:
        if connection.read_head() is not None:
            entered.set()
            leave.wait(30)

    file = tmp_path / "notes"
    host = served(proxy, origin(handle), {"noting": {"file": str(file)}})
    with Client(proxy.web) as client:
        client.send(http.message(host))
        assert entered.wait(30)
    until(lambda: noted(file)() == ["began", "ended"], "the end of the middleware")
    leave.set()


def test_a_client_that_leaves_ends_a_middleware_that_waits_for_something_else(
    proxy: Proxy, origin: Start, tmp_path: Path
) -> None:
    file = tmp_path / "notes"
    seen = origin(OK)
    host = served(proxy, seen, "upper", {"waiting": {"file": str(file)}})
    with Client(proxy.web) as client:
        client.send(http.message(host))
        until(lambda: noted(file)() == ["began"], "the middleware")
    until(lambda: noted(file)() == ["began", "ended"], "the end of the middleware")
    assert not seen.requests


def test_a_worker_that_ends_ends_its_middlewares(origin: Start, tmp_path: Path) -> None:
    file, other = tmp_path / "notes", tmp_path / "others"
    entered = threading.Event()

    def handle(connection: Connection) -> None:
        if connection.read_head() is not None:
            entered.set()
            connection.socket.recv(1)

    seen = origin(handle)
    with lone_proxy(
        f"--middlewares.modules={MODULE}", "--entryPoints.web.transport.lifeCycle.graceTimeOut=100ms"
    ) as proxy:
        waiting = served(proxy, seen, {"waiting": {"file": str(file)}})
        proxy.middlewares["n@x"] = Middleware("n@x", "plugin", {"noting": {"file": str(other)}})
        noting = proxy.route(seen, middlewares=("n@x",))
        with Client(proxy.web) as first, Client(proxy.web) as second:
            first.send(http.message(waiting))
            second.send(http.message(noting))
            until(lambda: noted(file)() == ["began"], "the middleware")
            assert entered.wait(30)
            proxy.process.stop()
            until(lambda: noted(file)() == ["began", "ended"], "the end of the first middleware")
            until(lambda: noted(other)() == ["began", "ended"], "the end of the second middleware")


def test_a_reload_loads_changed_code(origin: Start, tmp_path: Path) -> None:
    module = tmp_path / "changing.py"
    text = (
        "from rondpoint.middleware import Response, middleware\n"
        '@middleware("changing")\n'
        "def handle(request, forward):\n"
        '    return Response(200, body="one")\n'
    )
    module.write_text(text)
    with lone_proxy(f"--middlewares.modules={module}") as proxy:
        host = served(proxy, origin(OK), "changing")
        assert proxy.get(host) == "one"
        module.write_text(text.replace("one", "three"))
        proxy.process.signal(signal.SIGHUP)
        until(lambda: proxy.get(host) == "three", "the changed code")


@pytest.mark.parametrize("plugin", ["pass", "peek", "whole", "upper", "produce", "replace", "wrap"])
@pytest.mark.parametrize("outer", [False, True])
def test_buffering_and_middlewares_read_the_same_bodies(
    proxy: Proxy, origin: Start, plugin: str, outer: bool
) -> None:
    seen = origin(CHUNKED)
    buffering = Middleware("b@x", "buffering", {"memRequestBodyBytes": 3, "memResponseBodyBytes": 2})
    proxy.middlewares.update({"b@x": buffering, "p@x": Middleware("p@x", "plugin", {plugin: {}})})
    host = proxy.route(seen, middlewares=("p@x", "b@x") if outer else ("b@x", "p@x"))
    with Client(proxy.web) as client:
        for _ in range(2):
            client.send(http.message(host, method="POST", body=b"Upload"))
            response = client.answer()
            assert (response.status, response.body) == (200, BODIES.get(plugin, b"hello"))
    changed = {"whole": b"daolpU", "upper": b"UPLOAD", "produce": b"madeup"}
    assert [content_of(request) for request in seen.requests] == [changed.get(plugin, b"Upload")] * 2


@pytest.mark.parametrize("of_router", [False, True])
def test_mirrors_get_what_middlewares_make_of_a_request(proxy: Proxy, origin: Start, of_router: bool) -> None:
    proxy.middlewares["m@x"] = Middleware("m@x", "plugin", {"upper": {}})
    mirrored = Mirrored(proxy, origin)
    copied = mirrored.mirror(middlewares=() if of_router else ("m@x",))
    host = mirrored.route(middlewares=("m@x",) if of_router else ())
    response = http.request(proxy.web, host, method="POST", body=b"Upload")
    assert (response.status, response.text) == (200, "MAIN" if of_router else "main")
    (copy,) = copies(copied, 1)
    assert content_of(copy) == b"UPLOAD"
    (request,) = mirrored.main.requests
    assert content_of(request) == (b"UPLOAD" if of_router else b"Upload")


def test_a_client_that_leaves_ends_the_body(proxy: Proxy, origin: Start, tmp_path: Path) -> None:
    def handle(connection: Connection) -> None:
        if connection.read_head() is None:
            return
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.socket.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        except OSError:
            return

    file = tmp_path / "notes"
    host = served(proxy, origin(handle), {"noting-body": {"file": str(file)}})
    with Client(proxy.web) as client:
        client.send(http.message(host))
        assert client.socket.recv(100_000)
    until(lambda: noted(file)() == ["ended"], "the end of the body")


def test_a_server_that_dies_in_mid_body_cuts_the_response(
    proxy: Proxy, origin: Start, tmp_path: Path
) -> None:
    file = tmp_path / "notes"
    seen = origin(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"))
    host = served(proxy, seen, {"noting-body": {"file": str(file)}})
    with Client(proxy.web) as client:
        client.send(http.message(host))
        received = client.rest()
    assert received.endswith(b"5\r\nhello\r\n")
    assert noted(file)() == ["ended"]
    assert http.request(proxy.web, served(proxy, seen, "whole")).status == 502


def test_a_server_that_is_gone_is_a_response_for_the_middleware(proxy: Proxy, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    host = served(proxy, free_port(), {"noting": {"file": str(file)}})
    assert http.request(proxy.web, host).status == 502
    assert noted(file)() == ["began", "status 502", "ended"]


def test_an_upgrade_passes(proxy: Proxy, origin: Start) -> None:
    def handle(connection: Connection) -> None:
        if connection.read_head() is None:
            return
        connection.socket.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
        )
        while data := connection.socket.recv(1000):
            connection.socket.sendall(data)

    seen = origin(handle)
    for plugin, status in (("pass", 101), ("first", 101), ("headers", 500), ("upper", 500), ("replace", 500)):
        host = served(proxy, seen, plugin)
        with Client(proxy.web) as client:
            client.send(
                f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n".encode()
            )
            assert client.answer("HEAD").status == status
            if status == 101:
                client.send(b"ping")
                assert client.socket.recv(100_000) == b"ping"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pas": {}}, "no installed Python middleware has the name pas (did you mean pass?; the module "),
        ({"pass": {"x": "y"}}, "it has no options, but x is given"),
        ({"whole": {"limits": 1}}, "option limits is unknown (did you mean limit?)"),
        ({"whole": {"limit": "many"}}, "option limit: Expected `int`, got `str`"),
        ({"whole": "text"}, "expected options below plugin.whole"),
        ({}, "plugin needs the name of one Python middleware, not 0"),
        ({"pass": {}, "upper": {}}, "plugin needs the name of one Python middleware, not 2"),
    ],
)
def test_options_that_cannot_be_applied_close_the_router(
    proxy: Proxy, origin: Start, options: dict[str, object], reason: str
) -> None:
    seen = origin(OK)
    host = served(proxy, seen, options)
    response = http.request(proxy.web, host)
    assert (response.status, reason in response.text) == (503, True), response
    assert not seen.requests
    explained = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?url=http://{host}/").body)
    assert (explained["status"], reason in explained["reason"]) == (503, True)
    shown = json.loads(http.request(proxy.admin, "localhost", "/api/http/middlewares/m0@x").body)
    assert (shown["status"], reason in " ".join(shown["error"])) == ("disabled", True)


def test_a_label_without_options_is_true(proxy: Proxy, origin: Start) -> None:
    assert proxy.status(served(proxy, origin(OK), {"pass": "true"})) == 200


def test_a_busy_middleware_is_named_in_the_log(proxy: Proxy, origin: Start) -> None:
    host = served(proxy, origin(OK), "busy")
    assert proxy.status(host) == 200
    expected = re.compile(
        r"middleware m0@x has kept all requests of this worker waiting for 0\.\d+ s, at "
        r"\S+installed_middlewares\.py:\d+ \(busy\)"
    )
    until(lambda: expected.search(proxy.process.log) is not None, "the warning")
