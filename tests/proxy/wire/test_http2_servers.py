"""Servers that speak HTTP/2, without TLS by prior knowledge, and with TLS by ALPN."""

import msgspec

from rondpoint.model import Server
from tests.lab.http2_origin import Http2Session
from tests.lab.origin import Connection, Origin, Start
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client


def route(proxy: Proxy, origin: Origin, scheme: str = "h2c", **options: object) -> str:
    """Serve this origin over HTTP/2; the router has these options."""
    name = proxy.route(origin, **options)
    service = proxy.services[name.removesuffix(".test")]
    server = Server("s", "127.0.0.1", origin.port, scheme)  # type: ignore[arg-type]
    proxy.services[service.name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    return name


def test_a_request_and_its_response(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for call in session.requests():
            assert session.read_body(call) == (b"" if call.header(":method") == "GET" else b"hello")
            body = repr([*call.headers]).encode()
            session.respond(call, body, ("x-one", "1"), ("x-one", "2"))

    host = route(proxy, origin(handler))
    client.send(f"GET /p?q HTTP/1.1\r\nHost: {host}\r\nTE: trailers\r\nCookie: a=b\r\n\r\n".encode())
    answer = client.answer()
    assert answer.status == 200
    assert [line for line in answer.lines if line.startswith(b"x-one")] == [b"x-one: 1", b"x-one: 2"]
    assert eval(answer.body)[:4] == [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", host),
        (":path", "/p?q"),
    ]
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello".encode())
    assert b"('content-length', '5')" in client.answer().body
