"""Servers behind a TCP router come and go under a steady load of new connections."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from tests.lab.ports import free_port
from tests.lab.tcp_server import TcpServer, echo
from tests.lab.waiting import until
from tests.proxy.running import lone_proxy
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, route

CLIENTS = 6


class Load:
    """Clients that open one connection after the other, and get a message back on each."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        self.served = 0
        self.failed = 0

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let each client finish its connection, and wait for that."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait for so many further connections."""
        before = self.served
        until(lambda: self.served >= before + count, f"{count} further connections")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._port) as client:
                    client.sendall(b"ping")
                    served = exactly(client, 4) == b"ping"
            except OSError:
                served = False
            if served:
                self.served += 1
            else:
                self.failed += 1


def test_connections_fail_only_on_a_server_that_ends_them() -> None:
    port = free_port()
    ports = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        proxy = stack.enter_context(lone_proxy(f"--entryPoints.tcp.address=127.0.0.1:{port}", workers=2))
        for each in ports[1:]:
            stack.enter_context(TcpServer(echo, None, each))
        with TcpServer(echo, None, ports[0]):
            route(proxy, "tcp", ANYTHING, *ports)
            load = stack.enter_context(Load(port))
            load.wait_for(100)
            assert load.failed == 0
        # A server has ended its connections. Each client can have had one there, or in its queue.
        load.wait_for(200)
        assert load.failed <= 2 * CLIENTS
        failed = load.failed
        load.wait_for(200)
        assert load.failed == failed
        with TcpServer(echo, None, ports[0]) as returned:
            until(lambda: returned.accepted > 20, "connections to the server that is back")
            assert load.failed == failed
            load.wait_for(50)
            load.stop()
    assert load.failed == failed
    assert "Traceback" not in proxy.process.log
