"""Connections of TCP routers while workers leave, and with several workers."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import ExitStack, suppress

from rondpoint.model import Middleware
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.tcp_server import TcpServer, announce, echo
from tests.lab.waiting import until
from tests.proxy.process.conftest import Begin
from tests.proxy.process.test_handover import reload
from tests.proxy.rotation import undisturbed
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.tcp.routing import ANYTHING, connect, connect_tls, exactly, receive_all, route, sni

GRACE = "10s"


def entry_point(port: int) -> tuple[str, ...]:
    graces = [
        f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut={GRACE}" for name in ("web", "traefik", "tcp")
    ]
    return (f"--entryPoints.tcp.address=127.0.0.1:{port}", *graces)


def ping(client: socket.socket) -> bool:
    client.sendall(b"ping")
    return exactly(client, 4) == b"ping"


def test_connections_live_through_a_reload_until_the_grace_time_ends(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port))
    with TcpServer(echo) as server:
        route(proxy, "tcp", ANYTHING, server.port)
        with connect(port) as old:
            assert ping(old)
            lines = proxy.process.line_count
            reload(proxy)
            assert ping(old)
            with connect(port) as new:
                assert ping(new)
                # The grace time ends it.
                assert receive_all(old) == b""
                assert ping(new)
        proxy.process.wait_for_line("1 connections unfinished", after=lines)


def test_a_client_that_has_sent_nothing_ends_with_its_worker(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port))
    with TcpServer(echo) as server:
        route(proxy, "tcp", sni("a.test"), server.port, tls=True)
        with connect(port) as silent, connect_tls(port, "a.test") as busy:
            assert ping(busy)
            lines = proxy.process.line_count
            proxy.process.signal(signal.SIGTERM)
            assert receive_all(silent) == b""
            assert ping(busy)
        assert proxy.process.wait() == 0
        assert "unfinished" not in "\n".join(proxy.process.log.splitlines()[lines:])


def test_no_connection_is_lost_in_reloads(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port), workers=2)
    failures: list[str] = []
    count = [0]
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            try:
                with connect(port) as client:
                    if not ping(client):
                        failures.append("no answer")
                    count[0] += 1
            except OSError as error:
                failures.append(str(error))

    with TcpServer(echo) as server:
        route(proxy, "tcp", ANYTHING, server.port)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                before = count[0]
                until(lambda before=before: count[0] > before + 50, "further connections")  # type: ignore[misc]
                reload(proxy)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert failures == []


def test_all_workers_share_one_rotation(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port), workers=2)
    with ExitStack() as stack:
        names = (b"a", b"b", b"c")
        servers = [stack.enter_context(TcpServer(announce(name))).port for name in names]
        route(proxy, "tcp", ANYTHING, *servers)

        def take() -> bytes:
            seen = b""
            for _ in range(30):
                with connect(port) as client:
                    seen += exactly(client, 1)
            return seen

        seen = undisturbed(proxy, take)
    assert all(set(seen[at : at + 3]) == set(b"abc") for at in range(28)), seen


def test_a_limit_of_connections_holds_for_all_workers(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port), workers=2)
    limit = Middleware("m@x", "inFlightConn", {"amount": 3})
    with TcpServer(announce(b"a")) as server, ExitStack() as stack:
        route(proxy, "tcp", ANYTHING, server.port, middlewares=(limit,))

        def is_admitted() -> bool:
            client = stack.enter_context(connect(port))
            return exactly(client, 1) == b"a"

        def is_full() -> bool:
            # A worker that finds the store too slow for a moment may admit some more.
            return not any(is_admitted() for _ in range(6))

        until(is_full, "no free slot")
        assert server.open_connections >= 3


def test_a_server_that_one_worker_ejects_is_ejected_by_all(begin: Begin) -> None:
    port, gone = free_port(), free_port()
    proxy = begin(*entry_point(port), "--metrics.prometheus=true", workers=2)
    with TcpServer(announce(b"a")) as server:
        name = route(proxy, "tcp", ANYTHING, gone, server.port)
        for _ in range(4):
            with connect(port) as client:
                assert exactly(client, 1) == b"a"
        ejected = (("url", f"tcp://127.0.0.1:{gone}"),)
        wait_for_scrape(
            proxy.admin,
            lambda now: ejected in now.samples.get("rondpoint_server_ejected", {}),
            "the ejection in the metrics",
        )
        with TcpServer(announce(b"b"), None, gone):

            def reaches_b() -> bool:
                with connect(port) as client:
                    return exactly(client, 1) == b"b"

            until(reaches_b, "the server that is back")
        assert name in proxy.tcp_routers


def test_connections_go_on_without_the_store(begin: Begin, store: Store) -> None:
    port = free_port()
    proxy = begin(*entry_point(port))
    with ExitStack() as stack:
        servers = [stack.enter_context(TcpServer(announce(name))) for name in (b"a", b"b")]
        route(proxy, "tcp", ANYTHING, *(server.port for server in servers))
        client = stack.enter_context(connect(port))
        first = exactly(client, 1)
        store.kill()
        assert ping(client)
        seen = bytearray()
        for _ in range(6):
            with connect(port) as each:
                seen += exactly(each, 1)
        assert first in (b"a", b"b")
        assert sorted(seen) == sorted(b"aaabbb")


def test_open_connections_are_counted(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port), "--metrics.prometheus=true")
    labels = {"entrypoint": "tcp", "protocol": "TCP"}
    with TcpServer(echo) as server:
        route(proxy, "tcp", ANYTHING, server.port)
        with connect(port) as one, connect(port) as two:
            assert ping(one)
            assert ping(two)
            wait_for_scrape(
                proxy.admin,
                lambda now: now.sum("traefik_open_connections", **labels) == 2,
                "two connections",
            )
        wait_for_scrape(
            proxy.admin, lambda now: now.sum("traefik_open_connections", **labels) == 0, "none any more"
        )


def test_connections_of_a_killed_worker_end_and_others_begin(begin: Begin) -> None:
    port = free_port()
    proxy = begin(*entry_point(port))
    with TcpServer(echo) as server:
        route(proxy, "tcp", ANYTHING, server.port)
        with connect(port) as old:
            assert ping(old)
            for pid in descendants(proxy.process.pid):
                os.kill(pid, signal.SIGKILL)
            with suppress(ConnectionResetError):
                assert receive_all(old) == b""
        until(lambda: server.open_connections == 0, "the end of the server's side")
        with connect(port) as new:
            assert ping(new)
