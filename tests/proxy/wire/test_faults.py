"""Failing servers: which requests are tried again, and at which servers."""

import threading

import msgspec
import pytest

from rondpoint.model import ServerState
from tests.lab.origin import Connection, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.rotation import undisturbed
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")
IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
OTHERS = ["POST", "PATCH", "BREW"]


def request_bytes(host: str, path: str = "/", method: str = "GET", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{length}\r\n".encode() + body


def dies_when_used_again(connection: Connection) -> None:
    """Respond to one request; end the connection at the second one, without a response."""
    request = connection.read()
    assert request
    head, _, _ = HELLO.partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n" if request.method == "HEAD" else HELLO)
    connection.read_head()


@pytest.mark.parametrize("method", IDEMPOTENT)
def test_a_dead_keep_alive_connection_is_replaced_for_repeatable_requests(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    seen = origin(dies_when_used_again)
    host = proxy.route(seen)
    body = b"body" if method == "PUT" else b""
    for path in ("/1", "/2"):
        client.send(request_bytes(host, path, method, body))
        assert client.answer(method).status == 200
    assert [request.target for request in seen.requests] == ["/1", "/2", "/2"]
    assert [request.body for request in seen.requests[::2]] == [body] * 2
    assert seen.connections == 2


@pytest.mark.parametrize("method", OTHERS)
def test_a_dead_keep_alive_connection_gives_502_for_other_requests(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    seen = origin(dies_when_used_again)
    host = proxy.route(seen)
    client.send(request_bytes(host, "/1", method, b"body"))
    assert client.answer().status == 200
    client.send(request_bytes(host, "/2", method, b"body"))
    response = client.answer()
    assert (response.status, response.header("Connection")) == (502, None)
    assert [request.target for request in seen.requests] == ["/1", "/2"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_keep_alive_connection_that_has_ended_is_not_used(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    ended = threading.Semaphore(0)

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(HELLO)
        connection.socket.close()
        ended.release()

    seen = origin(handler)
    host = proxy.route(seen)
    for number in range(5):
        client.send(request_bytes(host, f"/{number}", method))
        assert client.answer().status == 200
        assert ended.acquire(timeout=60)
    assert [request.target for request in seen.requests] == [f"/{number}" for number in range(5)]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(("method", "elsewhere"), [("GET", True), ("PUT", True), ("POST", False)])
def test_a_new_connection_that_ends_before_a_byte(
    proxy: Proxy, client: Client, origin: Start, end: str, method: str, elsewhere: bool
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        if end == "reset":
            connection.reset()

    broken, well = origin(handler), origin(HELLO)
    host = proxy.route(broken, well)

    def counts() -> tuple[int, int]:
        before = len(broken.requests), len(well.requests)
        for _ in range(4):
            client.send(request_bytes(host, method=method, body=b"body"))
            assert client.answer().status in ({200} if elsewhere else {200, 502})
        return len(broken.requests) - before[0], len(well.requests) - before[1]

    of_broken, of_well = undisturbed(proxy, counts)
    # After a reset the server is ejected for a short time.
    assert of_broken == 2 if end == "close" else len(broken.requests) >= 1
    assert of_well == (4 if elsewhere else 4 - of_broken)


def statuses(client: Client, host: str, count: int) -> list[int]:
    """Send `count` requests, and return their statuses, sorted."""
    found = []
    for _ in range(count):
        client.send(request_bytes(host))
        found.append(client.answer().status)
    return sorted(found)


def test_a_broken_response_is_not_tried_at_another_server(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    broken, well = origin(b"rubbish\r\n\r\n"), origin(HELLO)
    host = proxy.route(broken, well)

    def counts() -> tuple[list[int], int]:
        before = len(well.requests)
        return statuses(client, host, 4), len(well.requests) - before

    assert undisturbed(proxy, counts) == ([200, 200, 502, 502], 2)


def test_a_response_that_has_begun_is_not_tried_again(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-")

    broken, well = origin(handler), origin(HELLO)
    host = proxy.route(broken, well)

    def counts() -> tuple[list[int], int, int]:
        before = len(broken.requests), len(well.requests)
        found = statuses(client, host, 2)
        return found, len(broken.requests) - before[0], len(well.requests) - before[1]

    assert undisturbed(proxy, counts) == ([200, 502], 1, 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_goes_to_the_next_server(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    one, two = origin(HELLO), origin(HELLO)
    host = proxy.route(free_port(), one, free_port(), two)
    for number in range(8):
        client.send(request_bytes(host, f"/{number}", method, b"body"))
        assert client.answer().status == 200
    targets = [request.target for request in one.requests + two.requests]
    assert sorted(targets) == [f"/{number}" for number in range(8)]
    assert {request.body for request in one.requests + two.requests} == {b"body"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_new_servers_are_tried_if_all_change_during_a_dial(
    proxy: Proxy, client: Client, origin: Start, silent_port: int, method: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(silent_port)
    client.send(request_bytes(host, method=method, body=b"body"))
    # The dial has begun by then.
    proxy.publish()
    name = host.removesuffix(".test")
    (server,) = proxy.services[name].servers
    servers = (msgspec.structs.replace(server, port=seen.port),)
    proxy.services[name] = msgspec.structs.replace(proxy.services[name], servers=servers)
    proxy.publish()
    assert client.answer().status == 200
    assert [request.body for request in seen.requests] == [b"body"]


def test_if_all_servers_refuse_it_is_a_502(proxy: Proxy, client: Client) -> None:
    host = proxy.route(free_port(), free_port(), free_port())
    for body in (b"", b"body"):
        client.send(request_bytes(host, method="POST", body=body))
        response = client.answer()
        assert (response.status, response.header("Connection")) == (502, None)


def test_if_all_servers_refuse_during_an_upload_it_is_a_502(proxy: Proxy, client: Client) -> None:
    host = proxy.route(free_port(), free_port())
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\nsome".encode())
    response = client.answer()
    assert (response.status, response.header("Connection")) == (502, "close")
    assert client.ended()


def test_a_draining_server_gets_no_new_requests_unless_all_drain(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    leaving, staying = origin(HELLO), origin(HELLO)
    host = proxy.route(leaving, staying)
    name = host.removesuffix(".test")
    service = proxy.services[name]

    def drain(*indexes: int) -> None:
        servers = tuple(
            msgspec.structs.replace(server, state=ServerState.DRAINING) if index in indexes else server
            for index, server in enumerate(service.servers)
        )
        proxy.services[name] = msgspec.structs.replace(service, servers=servers)
        proxy.publish()

    def send_requests(count: int) -> None:
        for _ in range(count):
            client.send(request_bytes(host))
            assert client.answer().status == 200

    drain(0)
    send_requests(4)
    assert (len(leaving.requests), len(staying.requests)) == (0, 4)
    drain(0, 1)

    def shares() -> tuple[int, int]:
        before = len(leaving.requests), len(staying.requests)
        send_requests(4)
        return len(leaving.requests) - before[0], len(staying.requests) - before[1]

    assert undisturbed(proxy, shares) == (2, 2)


def test_a_draining_server_finishes_running_requests(proxy: Proxy, client: Client, origin: Start) -> None:
    go = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        assert go.wait(30)
        connection.send(b"lo")

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(request_bytes(host))
    client.head()
    # Now the server is removed from the configuration.
    proxy.services.clear()
    proxy.routers.clear()
    proxy.publish()
    go.set()
    assert client.exactly(5) == b"hello"
    client.send(request_bytes(host))
    assert client.answer().status == 404


def test_connections_to_a_removed_server_are_closed(proxy: Proxy, client: Client, origin: Start) -> None:
    over = threading.Event()

    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(HELLO)
        over.set()

    host = proxy.route(origin(handler))
    client.send(request_bytes(host))
    assert client.answer().status == 200
    proxy.services.clear()
    proxy.publish()
    assert over.wait(30)


def test_a_server_with_a_host_name(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen, pass_host_header=False)
    name = host.removesuffix(".test")
    service = proxy.services[name]
    server = msgspec.structs.replace(service.servers[0], host="localhost")
    proxy.services[name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    client.send(request_bytes(host))
    assert client.answer().status == 200
    assert seen.requests[0].all("Host") == [f"localhost:{seen.port}"]


@pytest.mark.parametrize("named", ["no-such-host.invalid", "a..b", "x" * 300])
def test_an_unknown_host_name_gives_502(proxy: Proxy, client: Client, named: str) -> None:
    host = proxy.route(80)
    name = host.removesuffix(".test")
    service = proxy.services[name]
    server = msgspec.structs.replace(service.servers[0], host=named)
    proxy.services[name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    client.send(request_bytes(host))
    assert client.answer().status == 502
