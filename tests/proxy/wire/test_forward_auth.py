"""The middleware forwardAuth on the wire: the authentication server, the server and the client."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from ssl import CERT_REQUIRED, PROTOCOL_TLS_SERVER, SSLContext
from time import monotonic
from typing import Any

import bcrypt
import pytest

from proxy.middlewares.authentication.forward_auth import DEFAULT_REQUEST_LIMIT
from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Origin, Silent, Start, http_response
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

OK = http_response(b"content")
ALLOWED = http_response(b"", headers=("X-User: eve",))
DENIED = http_response(b"no", "403 Forbidden", ("X-Why: because",))


def guarded(proxy: Proxy, seen: Origin, url: str, **options: Any) -> str:
    """Return the host of a router with this authentication server."""
    proxy.middlewares["auth@x"] = Middleware("auth@x", "forwardAuth", {"address": url, **options})
    return proxy.route(seen, middlewares=("auth@x",))


def test_many_requests_use_one_connection_to_the_authentication_server(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(proxy, seen, auth.url, authResponseHeaders=["X-User"])
    for _ in range(5):
        client.send(f"GET /x HTTP/1.1\r\nHost: {host}\r\nX_User: root\r\n\r\n".encode())
        assert client.answer().status == 200
    assert (len(auth.requests), auth.connections) == (5, 1)
    assert all(request.all("X-User") == ["eve"] for request in seen.requests)
    assert all(request.header("X_User") is None for request in seen.requests)


def test_a_connection_that_ended_is_replaced_once(proxy: Proxy, origin: Start) -> None:
    def answer_once(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(ALLOWED)
            # The next request arrives, and gets no response.
            connection.read()

    auth, seen = origin(answer_once), origin(OK)
    host = guarded(proxy, seen, auth.url)
    assert [proxy.status(host) for _ in range(3)] == [200, 200, 200]
    assert auth.connections == 3
    assert len(seen.requests) == 3


def test_a_connection_survives_a_refusal(proxy: Proxy, origin: Start, client: Client) -> None:
    def decide(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            connection.send(ALLOWED if request.header("Authorization") else DENIED)

    auth, seen = origin(decide), origin(OK)
    host = guarded(proxy, seen, auth.url)
    for given, status in (("", 403), ("Authorization: x\r\n", 200), ("", 403)):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n{given}\r\nhi".encode())
        response = client.answer()
        assert (response.status, response.header("X-Why")) == (status, "because" if status == 403 else None)
    assert [request.body for request in seen.requests] == [b"hi"]
    assert all(request.header("Content-Length") is None for request in auth.requests)


UNCLEAR = {
    "nothing": b"",
    "no HTTP": b"OK\r\n\r\n",
    "a cut head": b"HTTP/1.1 200 OK\r\nContent-",
    "cut content": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    "a cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "only an interim response": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-User: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a control character": b"HTTP/1.1 200 OK\r\nX-User: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a huge head": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 70000 + b"\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_an_unclear_response_lets_no_request_through(proxy: Proxy, origin: Start, what: str) -> None:
    def once(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(UNCLEAR[what])

    seen = origin(OK)
    response = http.request(proxy.web, guarded(proxy, seen, origin(once).url))
    assert (response.status, response.body) == (500, b"")
    assert not seen.requests
    proxy.process.wait_for_line("middleware auth@x refuses requests with 500")


CLEAR = {
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "an interim response first": b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + ALLOWED,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "content until the end": b"HTTP/1.1 200 OK\r\n\r\ncontent",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", CLEAR)
def test_a_complete_response_with_a_2xx_lets_the_request_through(
    proxy: Proxy, origin: Start, what: str
) -> None:
    def once(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(CLEAR[what])

    seen = origin(OK)
    host = guarded(proxy, seen, origin(once).url)
    assert [proxy.status(host), proxy.status(host)] == [200, 200]
    assert len(seen.requests) == 2


def test_headers_of_the_response_set_no_framing(proxy: Proxy, origin: Start, client: Client) -> None:
    lines = ("X-User: eve", "Host: other.test", "X-Forwarded-For: 192.0.2.9", "Expect: 100-continue")
    auth, seen = origin(http_response(b"12345", headers=lines)), origin(OK)
    host = guarded(proxy, seen, auth.url, authResponseHeadersRegex=".")
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\nX-B: c\r\n\r\nhi".encode())
    assert client.answer().status == 200
    (request,) = seen.requests
    assert (request.all("Content-Length"), request.body) == (["2"], b"hi")
    assert request.all("Host") == [host]
    assert request.all("X-Forwarded-For") == ["127.0.0.1"]
    assert request.header("Expect") is None
    assert (request.header("X-User"), request.header("X-B")) == ("eve", None)


BODIES = {
    "a length": b"Content-Length: 5\r\n\r\nhello",
    "chunks": b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n",
}


@pytest.mark.parametrize("what", BODIES)
def test_both_servers_get_the_body_and_the_connection_goes_on(
    proxy: Proxy, origin: Start, client: Client, what: str
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(proxy, seen, auth.url, forwardBody=True, maxBodySize=5, preserveRequestMethod=True)
    for _ in range(2):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n".encode() + BODIES[what])
        assert client.answer().status == 200
    for request in (*auth.requests, *seen.requests):
        assert (request.method, request.all("Content-Length"), request.body) == ("POST", ["5"], b"hello")
    assert len(auth.requests) == len(seen.requests) == 2


def test_a_body_that_comes_slowly_and_waits_for_100_continue(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(proxy, seen, auth.url, forwardBody=True)
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n"
    client.send(head.encode())
    assert client.socket.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"a" * 100000)
    client.send(b"b" * 100000 + f"GET /next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert [client.answer().status, client.answer().status] == [200, 200]
    for server in (auth, seen):
        assert server.requests[0].body == b"a" * 100000 + b"b" * 100000
        assert server.requests[0].header("Expect") is None
    assert [request.target for request in seen.requests] == ["/", "/next"]


TOO_LARGE = {
    "a length": b"Content-Length: 6\r\n\r\nabcdef",
    "a length ahead of the body": b"Content-Length: 6\r\n\r\n",
    "chunks": b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n",
    "chunks without an end": b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n",
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_a_body_above_the_limit_reaches_no_server(
    proxy: Proxy, origin: Start, client: Client, what: str
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(proxy, seen, auth.url, forwardBody=True, maxBodySize=5)
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n".encode() + TOO_LARGE[what])
    assert client.answer().status == 401
    assert not auth.requests
    assert not seen.requests


@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413)])
def test_without_a_limit_of_its_own_a_body_has_a_limit_all_the_same(
    proxy: Proxy, origin: Start, client: Client, excess: int, status: int
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(proxy, seen, auth.url, forwardBody=True, maxBodySize=-1)
    size = DEFAULT_REQUEST_LIMIT + excess
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n".encode())
    if status == 200:
        client.send(b"x" * size)
    assert client.answer().status == status
    assert len(auth.requests) == len(seen.requests) == int(status == 200)


@pytest.mark.parametrize("leave", [Client.reset, Client.half_close])
def test_a_client_that_leaves_ends_the_request_to_the_authentication_server(
    proxy: Proxy, origin: Start, leave: Callable[[Client], None]
) -> None:
    silent = Silent()
    auth, seen = origin(silent), origin(OK)
    host = guarded(proxy, seen, auth.url)
    before = len(proxy.process.log)
    with Client(proxy.web) as client:
        client.send(http.message(host))
        auth.wait_for_requests(1)
        leave(client)
        assert silent.ended.wait(30)
    assert not seen.requests
    # The server is well, so nothing is said about it.
    assert "no response from" not in proxy.process.log[before:]


def test_a_late_body_is_refused(hasty: Proxy, origin: Start) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    host = guarded(hasty, seen, auth.url, forwardBody=True)
    with Client(hasty.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nab".encode())
        assert client.answer().status == 408
    assert not auth.requests
    assert not seen.requests


def with_tls(
    certificate: Path, response: bytes, *, clients: Path | None = None
) -> Callable[[Connection], None]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = CERT_REQUIRED
        context.load_verify_locations(clients)

    def handle(connection: Connection) -> None:
        with context.wrap_socket(connection.socket, server_side=True) as stream:
            while stream.recv(65536):
                stream.sendall(response)

    return handle


@pytest.mark.parametrize("trust", ["file", "content", "any", "system"])
def test_the_authentication_server_may_use_tls(
    proxy: Proxy, origin: Start, tmp_path: Path, trust: str
) -> None:
    certificate = write_certificate(tmp_path / "c.pem")
    auth, seen = origin(with_tls(certificate, ALLOWED)), origin(OK)
    text = certificate.read_text()
    tls = {
        "file": {"ca": str(certificate)},
        "content": {"ca": text[text.index("-----BEGIN CERTIFICATE") :]},
        "any": {"insecureSkipVerify": True},
        "system": {},
    }[trust]
    host = guarded(proxy, seen, f"https://localhost:{auth.port}/verify", tls=tls)
    status = 500 if trust == "system" else 200
    assert [proxy.status(host), proxy.status(host)] == [status, status]
    assert len(seen.requests) == (0 if trust == "system" else 2)
    assert trust == "system" or auth.connections == 1


@pytest.mark.parametrize("form", ["files", "contents", "none"])
def test_the_authentication_server_may_want_a_certificate(
    proxy: Proxy, origin: Start, tmp_path: Path, form: str
) -> None:
    certificate = write_certificate(tmp_path / "c.pem")
    handle = with_tls(certificate, ALLOWED, clients=certificate)
    auth, seen = origin(handle), origin(OK)
    given = {"files": str(certificate), "contents": certificate.read_text(), "none": ""}[form]
    tls = {"insecureSkipVerify": True, "cert": given, "key": given}
    host = guarded(proxy, seen, f"https://localhost:{auth.port}/", tls=tls)
    assert proxy.status(host) == (500 if form == "none" else 200)
    assert len(seen.requests) == (0 if form == "none" else 1)


def test_connections_of_a_changed_or_removed_middleware_are_closed(proxy: Proxy, origin: Start) -> None:
    ended: list[float] = []

    def until_end(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(ALLOWED)
        ended.append(monotonic())

    auth, seen = origin(until_end), origin(OK)
    host = guarded(proxy, seen, auth.url)
    assert proxy.status(host) == 200
    assert not ended
    proxy.middlewares["auth@x"] = Middleware("auth@x", "forwardAuth", {"address": f"{auth.url}/changed"})
    proxy.publish()
    assert proxy.status(host) == 200
    assert auth.requests[-1].target == "/changed"
    proxy.withdraw()
    until(lambda: len(ended) == 2, "the end of both connections")


@pytest.mark.parametrize(
    "options",
    [
        {"tls": {"ca": "/nowhere/ca.pem"}, "address": "https://a.test"},
        {"tls": {"cert": "/nowhere/c.pem"}, "address": "https://a.test"},
        {"authResponseHeaders": ["X-User", "Content-Length"]},
        {"authResponseHeaders": ["x_forwarded_for"]},
        {"authResponseHeaders": ["X-User: a\r\nB"]},
        {"authRequestHeaders": ["X A"]},
        {"authSigninURL": "/a\r\nX: y"},
    ],
)
def test_options_that_cannot_be_applied_close_the_route(
    proxy: Proxy, origin: Start, options: dict[str, Any]
) -> None:
    auth, seen = origin(ALLOWED), origin(OK)
    options = {"url": auth.url, **options}
    url = options.pop("address", options.pop("url"))
    assert proxy.status(guarded(proxy, seen, url, **options)) == 503
    assert not seen.requests


def test_a_client_that_left_during_another_middleware_ends_the_subrequest(
    proxy: Proxy, origin: Start
) -> None:
    silent = Silent()
    auth, seen = origin(silent), origin(OK)
    # Comparing this password takes longer than leaving.
    user = f"eve:{bcrypt.hashpw(b'apple', bcrypt.gensalt(12)).decode()}"
    proxy.middlewares["users@x"] = Middleware("users@x", "basicAuth", {"users": [user]})
    proxy.middlewares["auth@x"] = Middleware("auth@x", "forwardAuth", {"address": auth.url})
    host = proxy.route(seen, middlewares=("users@x", "auth@x"))
    signed = ("Authorization", "Basic " + b64encode(b"eve:apple").decode())
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, headers=[signed]))
    assert silent.ended.wait(30)
    assert not seen.requests
