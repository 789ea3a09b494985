"""The tables of invalid bytes against a worker: it refuses them, and no server receives them."""

import pytest

from tests.lab.origin import Connection, Origin, Start, http_response
from tests.proxy.corpus import chunks, requests, responses
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError

HELLO = http_response(b"hello")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"


def everything(proxy: Proxy, origin: Origin) -> None:
    """Route any accepted request to this origin."""
    proxy.route(origin, rule="PathPrefix(`/`)")


def still_serves(proxy: Proxy, origin: Origin) -> None:
    """Assert that the worker serves, and that no connection to the server holds refused bytes."""
    proxy.get("any.test", "/well")
    assert [request.target for request in origin.requests] == ["/well"]
    assert origin.requests[0].body == b""


@pytest.mark.parametrize("name", requests.REFUSED)
def test_a_bad_request_is_refused_and_no_server_contacted(proxy: Proxy, origin: Start, name: str) -> None:
    data, status = requests.REFUSED[name]
    seen = origin(HELLO)
    everything(proxy, seen)
    with Client(proxy.web) as client:
        client.send(data)
        if data.endswith(b"\r\n\r\n"):
            # Bytes after a refused head are no request.
            client.send(SMUGGLED)
        response = client.answer("HEAD")
        assert (response.status, response.header("Connection")) == (status, "close")
        assert len(client.rest()) == int(response.header("Content-Length") or 0)
    assert seen.connections == 0
    still_serves(proxy, seen)


@pytest.mark.parametrize("name", chunks.BAD)
def test_a_bad_chunked_body_is_refused(proxy: Proxy, origin: Start, name: str) -> None:
    seen = origin(HELLO)
    everything(proxy, seen)
    data = requests.get(b"Transfer-Encoding: chunked", method=b"POST") + chunks.BAD[name]
    with Client(proxy.web) as client:
        client.send(data)
        response = client.answer()
        assert (response.status, response.header("Connection")) == (400, "close")
        assert client.ended()
    if len(data) < 1000:
        assert seen.connections == 0, "bytes that arrive with the head are checked first"
        still_serves(proxy, seen)


@pytest.mark.parametrize("name", chunks.BAD)
def test_a_bad_chunked_body_after_the_head_ends_the_server_s_connection(
    proxy: Proxy, origin: Start, name: str
) -> None:
    whole: list[str] = []

    def handler(connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            connection.read_body(request)
            whole.append(request.target)
            connection.send(HELLO)

    seen = origin(handler)
    everything(proxy, seen)
    with Client(proxy.web) as client:
        client.send(requests.get(b"Transfer-Encoding: chunked", method=b"POST", target=b"/bad"))
        seen.wait_for_requests(1)
        client.send(b"1\r\nx\r\n" + chunks.BAD[name])
        assert client.answer().status == 400
        assert client.ended()
    proxy.get("any.test", "/well")
    assert whole == ["/well"]
    assert seen.connections == 2


@pytest.mark.parametrize("name", responses.REFUSED)
def test_a_bad_response_gives_502_and_its_connection_is_closed(
    proxy: Proxy, origin: Start, name: str
) -> None:
    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(responses.REFUSED[name] if connection.number == 1 else HELLO)
            # Bytes after a refused head are no response.
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    seen = origin(handler)
    host = proxy.route(seen)
    with Client(proxy.web) as client:
        for path, expected in (("/bad", 502), ("/good", 200)):
            client.send(f"POST {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            response = client.answer()
            assert (response.status, response.header("Connection")) in {(502, None), (200, None)}
            assert response.status == expected
            assert b"evil" not in response.body
    assert [request.target for request in seen.requests] == ["/bad", "/good"]
    assert seen.connections == 2


# A server may pad its chunk sizes.
BAD_FROM_SERVERS = [name for name in chunks.BAD if name not in {"space after", "tab after"}]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("name", BAD_FROM_SERVERS)
def test_a_bad_chunked_response_is_visibly_cut(proxy: Proxy, origin: Start, name: str, version: str) -> None:
    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + chunks.BAD[name]
            )

    seen = origin(handler)
    host = proxy.route(seen)
    with Client(proxy.web) as client:
        client.send(f"GET / HTTP/{version}\r\nHost: {host}\r\n\r\n".encode())
        with pytest.raises((CutError, ConnectionResetError)):
            client.answer()
    assert len(seen.requests) == 1
