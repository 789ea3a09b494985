"""The middleware timeouts: what becomes of requests that take longer than a route allows."""

import threading
from contextlib import suppress

import pytest

from rondpoint.model import Middleware, Server
from tests.lab.http2_origin import Call, Http2Session
from tests.lab.origin import Connection, Handler, Origin, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError
from tests.proxy.wire.http2_servers import route_http2
from tests.proxy.wire.test_http2_servers import serving

SHORT = 0.15
HELLO = http_response(b"hello")
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel"


def limited(proxy: Proxy, origin: Origin, *others: str, scheme: str = "", **limits: float) -> str:
    """Return the host of a router with these limits in seconds."""
    proxy.middlewares["limit@x"] = Middleware("limit@x", "timeouts", limits)
    chain = ("limit@x", *others)
    if scheme:
        return route_http2(proxy, origin, "h2c", middlewares=chain)
    return proxy.route(origin, middlewares=chain)


def silent_after(sent: bytes) -> Handler:
    """Return a handler that reads a head, sends this much, and waits until the proxy leaves."""

    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.send(sent)
        with suppress(ConnectionError):
            while connection.receive():
                pass

    return handler


def never(session: Http2Session, call: Call) -> None:
    """Respond nothing."""


@pytest.mark.parametrize("limit", ["request", "backendRequest"])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-"], ids=["nothing", "half-a-head"])
def test_without_a_head_in_time_the_client_gets_504(
    proxy: Proxy, origin: Start, client: Client, limit: str, sent: bytes
) -> None:
    host = limited(proxy, origin(silent_after(sent)), **{limit: SHORT})
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 504


def test_a_stream_of_http2_ends_alone(proxy: Proxy, origin: Start, client: Client) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        if call.path == "/fast":
            session.respond(call, b"ok")

    seen = origin(serving(respond))
    host = limited(proxy, seen, scheme="h2c", request=SHORT)
    statuses = []
    for target in ("/slow", "/fast"):
        client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        statuses.append(client.answer().status)
    assert (statuses, seen.connections) == ([504, 200], 1)


def test_a_response_that_has_begun_is_cut(proxy: Proxy, origin: Start, client: Client) -> None:
    host = limited(proxy, origin(silent_after(BEGUN)), request=SHORT)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    with pytest.raises(CutError) as cut:
        client.answer()
    assert cut.value.received == b"hel"


def test_the_time_of_the_whole_request_includes_its_body(proxy: Proxy, origin: Start, client: Client) -> None:
    host = limited(proxy, origin(silent_after(b"")), request=SHORT)
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nsome".encode())
    assert client.answer().status == 504


@pytest.mark.parametrize("limits", [{"request": 30.0}, {"request": 0.0}, {"backendRequest": 30.0}])
def test_a_response_in_time_is_unchanged(
    proxy: Proxy, origin: Start, client: Client, limits: dict[str, float]
) -> None:
    host = limited(proxy, origin(HELLO), **limits)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == b"hello"


def test_the_limit_of_a_request_does_not_concern_the_next_one(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    late = threading.Event()

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/late":
                # Longer than the limit of the request before: time is what is tested.
                late.wait(2 * SHORT)
            connection.send(HELLO)

    seen = origin(handler)
    host = limited(proxy, seen, request=SHORT)
    free = proxy.route(seen)
    for name, target in ((host, "/"), (free, "/late")):
        client.send(f"GET {target} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert client.answer().status == 200
    assert seen.connections == 1


def test_an_attempt_that_took_too_long_does_not_end_the_retries(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    tries = iter([b"", HELLO])

    def handler(connection: Connection) -> None:
        if connection.read() is not None:
            sent = next(tries)
            connection.send(sent)
            connection.receive()

    proxy.middlewares["again@x"] = Middleware(
        "again@x", "buffering", {"retryExpression": "Attempts() < 3 && ResponseCode() == 504"}
    )
    host = limited(proxy, origin(handler), "again@x", backendRequest=SHORT)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 200


def test_retries_end_with_the_time_of_the_request(proxy: Proxy, origin: Start, client: Client) -> None:
    seen = origin(silent_after(b""))
    proxy.middlewares["again@x"] = Middleware(
        "again@x", "buffering", {"retryExpression": "Attempts() < 9 && ResponseCode() == 504"}
    )
    host = limited(proxy, seen, "again@x", request=1.5 * SHORT, backendRequest=SHORT)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 504
    assert len(seen.requests) <= 2


def test_tunnels_have_no_limit(proxy: Proxy, origin: Start, client: Client) -> None:
    late = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        # Longer than the limit: time is what is tested.
        late.wait(2 * SHORT)
        connection.send(b"late")

    host = limited(proxy, origin(handler), request=SHORT, backendRequest=SHORT)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n".encode())
    assert client.answer().status == 101
    assert client.socket.recv(4) == b"late"


def test_a_dial_that_took_the_time_leaves_none_for_other_servers(
    proxy: Proxy, origin: Start, client: Client
) -> None:
    def handler(connection: Connection) -> None:
        # No TLS handshake: the proxy begins one, and leaves.
        while connection.receive():
            pass

    seen = [origin(handler), origin(handler)]
    host = limited(proxy, seen[0], request=SHORT)
    servers = tuple(Server(str(each.port), "127.0.0.1", each.port, "https") for each in seen)
    proxy.tune(host, servers=servers)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 504
    assert sum(each.connections for each in seen) == 1
