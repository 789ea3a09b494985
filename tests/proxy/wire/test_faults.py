"""Servers that fail: what is tried again, where, and what is not."""

import threading

import msgspec
import pytest

from rondpoint.model import ServerState
from tests.lab.origin import Connection, Start, answer
from tests.lab.ports import free_port
from tests.proxy.rotation import undisturbed
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = answer(b"hello")
IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
OTHERS = ["POST", "PATCH", "BREW"]


def asking(host: str, path: str = "/", method: str = "GET", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{length}\r\n".encode() + body


def dies_when_used_again(connection: Connection) -> None:
    """Takes one request, and meets a second one on the same connection by ending it without an answer."""
    request = connection.read()
    assert request
    head, _, _ = HELLO.partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n" if request.method == "HEAD" else HELLO)
    connection.read_head()


@pytest.mark.parametrize("method", IDEMPOTENT)
def test_a_kept_connection_that_dies_is_replaced_for_what_may_be_repeated(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    seen = origin(dies_when_used_again)
    host = proxy.route(seen)
    body = b"body" if method == "PUT" else b""
    for path in ("/1", "/2"):
        client.send(asking(host, path, method, body))
        assert client.answer(method).status == 200
    assert [request.target for request in seen.requests] == ["/1", "/2", "/2"]
    assert [request.body for request in seen.requests[::2]] == [body] * 2
    assert seen.connections == 2


@pytest.mark.parametrize("method", OTHERS)
def test_a_kept_connection_that_dies_is_a_502_for_what_may_not(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    seen = origin(dies_when_used_again)
    host = proxy.route(seen)
    client.send(asking(host, "/1", method, b"body"))
    assert client.answer().status == 200
    client.send(asking(host, "/2", method, b"body"))
    response = client.answer()
    assert (response.status, response.header("Connection")) == (502, "keep-alive")
    assert [request.target for request in seen.requests] == ["/1", "/2"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_has_ended_meanwhile_is_not_used(
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
        client.send(asking(host, f"/{number}", method))
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

    def asked() -> tuple[int, int]:
        before = len(broken.requests), len(well.requests)
        for _ in range(4):
            client.send(asking(host, method=method, body=b"body"))
            assert client.answer().status in ({200} if elsewhere else {200, 502})
        return len(broken.requests) - before[0], len(well.requests) - before[1]

    of_broken, of_well = undisturbed(proxy, asked)
    # After a reset it is put aside, though not for long.
    assert of_broken == 2 if end == "close" else len(broken.requests) >= 1
    assert of_well == (4 if elsewhere else 4 - of_broken)


def statuses(client: Client, host: str, count: int) -> list[int]:
    """Of so many requests, sorted."""
    found = []
    for _ in range(count):
        client.send(asking(host))
        found.append(client.answer().status)
    return sorted(found)


def test_a_broken_answer_is_not_asked_for_elsewhere(proxy: Proxy, client: Client, origin: Start) -> None:
    broken, well = origin(b"rubbish\r\n\r\n"), origin(HELLO)
    host = proxy.route(broken, well)

    def asked() -> tuple[list[int], int]:
        before = len(well.requests)
        return statuses(client, host, 4), len(well.requests) - before

    assert undisturbed(proxy, asked) == ([200, 200, 502, 502], 2)


def test_a_response_that_began_is_not_asked_for_again(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-")

    broken, well = origin(handler), origin(HELLO)
    host = proxy.route(broken, well)

    def asked() -> tuple[list[int], int, int]:
        before = len(broken.requests), len(well.requests)
        found = statuses(client, host, 2)
        return found, len(broken.requests) - before[0], len(well.requests) - before[1]

    assert undisturbed(proxy, asked) == ([200, 502], 1, 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_goes_to_the_next_server(
    proxy: Proxy, client: Client, origin: Start, method: str
) -> None:
    one, two = origin(HELLO), origin(HELLO)
    host = proxy.route(free_port(), one, free_port(), two)
    for number in range(8):
        client.send(asking(host, f"/{number}", method, b"body"))
        assert client.answer().status == 200
    targets = [request.target for request in one.requests + two.requests]
    assert sorted(targets) == [f"/{number}" for number in range(8)]
    assert {request.body for request in one.requests + two.requests} == {b"body"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_servers_that_all_change_while_one_is_dialled_are_asked_in_its_place(
    proxy: Proxy, client: Client, origin: Start, silent_port: int, method: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(silent_port)
    client.send(asking(host, method=method, body=b"body"))
    # The dial is under way by then.
    proxy.publish()
    name = host.removesuffix(".test")
    (server,) = proxy.services[name].servers
    servers = (msgspec.structs.replace(server, port=seen.port),)
    proxy.services[name] = msgspec.structs.replace(proxy.services[name], servers=servers)
    proxy.publish()
    assert client.answer().status == 200
    assert [request.body for request in seen.requests] == [b"body"]


def test_all_servers_refusing_is_a_502(proxy: Proxy, client: Client) -> None:
    host = proxy.route(free_port(), free_port(), free_port())
    for body in (b"", b"body"):
        client.send(asking(host, method="POST", body=body))
        response = client.answer()
        assert (response.status, response.header("Connection")) == (502, "keep-alive")


def test_all_servers_refusing_a_body_that_has_not_come_whole(proxy: Proxy, client: Client) -> None:
    host = proxy.route(free_port(), free_port())
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\nsome".encode())
    response = client.answer()
    assert (response.status, response.header("Connection")) == (502, "close")
    assert client.ended()


def test_a_draining_server_gets_nothing_new_but_when_all_drain(
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

    def ask(count: int) -> None:
        for _ in range(count):
            client.send(asking(host))
            assert client.answer().status == 200

    drain(0)
    ask(4)
    assert (len(leaving.requests), len(staying.requests)) == (0, 4)
    drain(0, 1)

    def shares() -> tuple[int, int]:
        before = len(leaving.requests), len(staying.requests)
        ask(4)
        return len(leaving.requests) - before[0], len(staying.requests) - before[1]

    assert undisturbed(proxy, shares) == (2, 2)


def test_a_draining_server_finishes_what_it_began(proxy: Proxy, client: Client, origin: Start) -> None:
    go = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        assert go.wait(30)
        connection.send(b"lo")

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(asking(host))
    client.head()
    # Gone from the configuration altogether.
    proxy.services.clear()
    proxy.routers.clear()
    proxy.publish()
    go.set()
    assert client.exactly(5) == b"hello"
    client.send(asking(host))
    assert client.answer().status == 404


def test_connections_to_a_server_that_left_the_configuration_are_closed(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    over = threading.Event()

    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(HELLO)
        over.set()

    host = proxy.route(origin(handler))
    client.send(asking(host))
    assert client.answer().status == 200
    proxy.services.clear()
    proxy.publish()
    assert over.wait(30)


def test_a_server_named_by_its_host_name(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen, pass_host_header=False)
    name = host.removesuffix(".test")
    service = proxy.services[name]
    server = msgspec.structs.replace(service.servers[0], host="localhost")
    proxy.services[name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    client.send(asking(host))
    assert client.answer().status == 200
    assert seen.requests[0].all("Host") == [f"localhost:{seen.port}"]


@pytest.mark.parametrize("named", ["no-such-host.invalid", "a..b", "x" * 300])
def test_a_server_whose_name_is_not_found_is_a_502(proxy: Proxy, client: Client, named: str) -> None:
    host = proxy.route(80)
    name = host.removesuffix(".test")
    service = proxy.services[name]
    server = msgspec.structs.replace(service.servers[0], host=named)
    proxy.services[name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    client.send(asking(host))
    assert client.answer().status == 502
