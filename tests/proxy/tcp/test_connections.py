"""Connections that TCP routers take: bytes, ends, and the servers that they reach."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rondpoint.tcp.model import TcpServersTransport
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.tcp_server import Handler, TcpServer, announce, echo
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, receive_all, route

Start = Callable[[Handler], TcpServer]

TOTAL = 100 << 20

PATIENT = TcpServersTransport("patient@x", termination_delay=-1)


def test_a_server_may_begin(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "tcp", ANYTHING, server(announce(b"220 ready\r\n")).port)
    with connect(ports["tcp"]) as client:
        assert exactly(client, 11) == b"220 ready\r\n"
        client.sendall(b"EHLO\r\n")
        assert exactly(client, 6) == b"EHLO\r\n"


def test_the_end_of_one_direction_reaches_the_other_side(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    def count_bytes(connection: socket.socket) -> None:
        connection.sendall(b"%d" % len(receive_all(connection)))

    route(proxy, "tcp", ANYTHING, server(count_bytes).port, service_options={"transport": PATIENT})
    with connect(ports["tcp"]) as client:
        client.sendall(b"x" * 300_000)
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"300000"


def test_a_server_that_ends_first_still_gets_what_the_client_sends(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    received: list[bytes] = []
    done = threading.Event()

    def end_and_listen(connection: socket.socket) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        received.append(receive_all(connection))
        done.set()

    route(proxy, "tcp", ANYTHING, server(end_and_listen).port, service_options={"transport": PATIENT})
    with connect(ports["tcp"]) as client:
        assert receive_all(client) == b"bye"
        client.sendall(b"last words")
    assert done.wait(30)
    assert received == [b"last words"]


def test_a_side_that_does_not_end_is_ended_after_the_termination_delay(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    ended = threading.Event()

    def keep_open(connection: socket.socket) -> None:
        receive_all(connection)
        # Only the end of the proxy's side lets this return.
        ended.wait(30)

    route(proxy, "tcp", ANYTHING, server(keep_open).port)
    with connect(ports["tcp"]) as client:
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b""
    ended.set()


def test_large_transfers_arrive_whole_in_both_directions(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "tcp", ANYTHING, server(echo).port, service_options={"transport": PATIENT})
    content = os.urandom(1 << 20) * 16
    with connect(ports["tcp"]) as client:

        def send() -> None:
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert receive_all(client) == content
        sender.join()


def test_messages_of_all_sizes_follow_each_other(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "tcp", ANYTHING, server(echo).port)
    with connect(ports["tcp"]) as client:
        for size in (1, 65_536, 5, 1_000_000, 16_384, 200_000, 1):
            content = os.urandom(size)
            sender = threading.Thread(target=client.sendall, args=(content,))
            sender.start()
            assert exactly(client, size) == content
            sender.join()


def test_a_reader_that_was_slow_gets_further_messages(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    blocked = threading.Event()

    def send_much_then_echo(connection: socket.socket) -> None:
        connection.settimeout(0.5)
        left = TOTAL
        while left:
            try:
                left -= connection.send(bytes(min(left, 1000)))
            except TimeoutError:
                blocked.set()
        connection.settimeout(None)
        echo(connection)

    route(proxy, "tcp", ANYTHING, server(send_much_then_echo).port)
    with connect(ports["tcp"]) as client:
        assert blocked.wait(60)
        assert len(exactly(client, TOTAL)) == TOTAL
        for message in (b"one", b"two"):
            client.sendall(message)
            assert exactly(client, 3) == message


def test_a_busy_connection_does_not_hold_up_others(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    def send_for_ever(connection: socket.socket) -> None:
        while True:
            connection.sendall(bytes(65536))

    route(proxy, "tcp", ANYTHING, server(send_for_ever).port)
    route(proxy, "both", ANYTHING, server(echo).port)
    ended = threading.Event()
    with connect(ports["tcp"]) as busy, connect(ports["both"]) as client:

        def read_all() -> None:
            while not ended.is_set():
                busy.recv(65536)

        reader = threading.Thread(target=read_all)
        reader.start()
        try:
            for _ in range(100):
                client.sendall(b"x")
                assert exactly(client, 1) == b"x"
        finally:
            ended.set()
            reader.join()


def test_a_slow_reader_holds_the_sender_up(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    sent = [0]
    blocked = threading.Event()

    def send_all(connection: socket.socket) -> None:
        piece = bytes(65536)
        connection.settimeout(0.5)
        while sent[0] < TOTAL:
            try:
                sent[0] += connection.send(piece)
            except TimeoutError:
                blocked.set()

    route(proxy, "tcp", ANYTHING, server(send_all).port)
    with connect(ports["tcp"]) as client:
        assert blocked.wait(60)
        # What was sent is in buffers of the kernel, and in one piece in the proxy.
        assert sent[0] < TOTAL // 2
        assert len(exactly(client, TOTAL)) == TOTAL


def test_a_reset_by_the_server_ends_the_client(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    route(proxy, "tcp", ANYTHING, server(reset).port, service_options={"transport": PATIENT})
    with connect(ports["tcp"]) as client:
        client.sendall(b"x")
        with suppress(ConnectionResetError):
            assert receive_all(client) == b""


def test_connections_go_to_the_servers_in_turn(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    servers = [server(announce(name)) for name in (b"a", b"b", b"c")]
    route(proxy, "tcp", ANYTHING, *(each.port for each in servers))
    seen = b""
    for _ in range(9):
        with connect(ports["tcp"]) as client:
            seen += exactly(client, 1)
    assert all(set(seen[at : at + 3]) == set(b"abc") for at in range(7)), seen


def test_a_server_that_refuses_is_skipped_and_ejected(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "tcp", ANYTHING, free_port(), server(announce(b"a")).port)
    for _ in range(6):
        with connect(ports["tcp"]) as client:
            assert exactly(client, 1) == b"a"
    proxy.process.wait_for_line("server tcp://127.0.0.1:")


def test_a_server_that_returns_gets_connections_again(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    gone = free_port()
    route(proxy, "tcp", ANYTHING, gone, server(announce(b"a")).port)
    for _ in range(2):
        with connect(ports["tcp"]) as client:
            assert exactly(client, 1) == b"a"

    def reaches_b() -> bool:
        with connect(ports["tcp"]) as client:
            return exactly(client, 1) == b"b"

    with TcpServer(announce(b"b"), None, gone):
        until(reaches_b, "a connection to the server that is back")


def test_without_a_server_the_connection_is_closed(proxy: Proxy, ports: dict[str, int]) -> None:
    route(proxy, "tcp", ANYTHING)
    with connect(ports["tcp"]) as client:
        assert receive_all(client) == b""


def target_of(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


def test_nothing_stays_open_after_connections(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    running = server(echo)
    route(proxy, "tcp", ANYTHING, running.port, service_options={"transport": PATIENT})
    pids = descendants(proxy.process.pid)

    def sockets() -> int:
        # Pipes for splicing are kept: a second one may only be needed the second time.
        links = (link for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir())
        return sum(target.startswith("socket:") for target in map(target_of, links))

    def use() -> None:
        for _ in range(20):
            with connect(ports["tcp"]) as client:
                client.sendall(b"x" * 200_000)
                client.shutdown(socket.SHUT_WR)
                assert len(receive_all(client)) == 200_000

    use()
    until(lambda: running.open_connections == 0, "the end of all connections")
    before = sockets()
    use()
    until(lambda: running.open_connections == 0, "the end of all connections")
    until(lambda: sockets() <= before, "as many sockets as before")
