"""The whole proxy ends: running requests finish, and idle connections do not delay it."""

import signal
import threading
import time

from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.process.conftest import Begin
from tests.proxy.process.load import Load
from tests.proxy.wire.client import Client

LONG = tuple(f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut=120s" for name in ("web", "traefik"))
"""A long grace time, which shows needless waits."""


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def test_slow_responses_are_finished(begin: Begin) -> None:
    proxy = begin(workers=2)
    release = threading.Event()

    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nfirst,")
            release.wait(60)
            connection.send(b"then.")

    with Origin(slow) as origin, Origin.named("fast") as fast:
        host, other = proxy.route(origin), proxy.route(fast)
        clients = [Client(proxy.web) for _ in range(20)]
        for client in clients:
            client.send(get(host))
        for client in clients:
            client.head()
        with Load(proxy.web, other) as load:
            load.wait_for(200)
            proxy.process.signal(signal.SIGTERM)
            time.sleep(1.5)
            assert proxy.process.running
            release.set()
            for client in clients:
                assert client.exactly(11) == b"first,then."
                assert client.ended()
                client.socket.close()
            assert proxy.process.wait() == 0


def test_responses_say_that_the_connection_closes(begin: Begin) -> None:
    proxy = begin()
    release = threading.Event()

    def slow(connection: Connection) -> None:
        connection.read()
        release.wait(60)
        connection.send(http_response(b"late"))

    with Origin(slow) as origin, Origin.named("fast") as fast:
        host, other = proxy.route(origin), proxy.route(fast)
        with Client(proxy.web) as client, Client(proxy.web) as idle:
            client.send(get(host))
            idle.send(get(other))
            idle.answer()
            origin.wait_for_requests(1)
            proxy.process.signal(signal.SIGTERM)

            def closes() -> bool:
                idle.send(get(other))
                return idle.answer().header("Connection") == "close"

            until(closes, "a response of the ending worker")
            release.set()
            last = client.answer()
            assert (last.body, last.header("Connection")) == (b"late", "close")
            for each in (client, idle):
                assert each.ended()
                each.socket.close()
            assert proxy.process.wait() == 0


def test_idle_clients_do_not_delay_the_end(begin: Begin) -> None:
    proxy = begin(*LONG)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        clients = [Client(proxy.web) for _ in range(50)]
        for client in clients[::2]:
            client.send(get(host))
            client.answer()
        began = time.monotonic()
        proxy.process.signal(signal.SIGTERM)
        assert proxy.process.wait() == 0
        assert time.monotonic() - began < 60
        for client in clients:
            assert client.ended()
            client.socket.close()


def test_clients_that_send_nothing_do_not_delay_the_end_where_tls_is_spoken(begin: Begin) -> None:
    """One entry point speaks TLS alone, the other both: a router with `tls` uses it."""
    secure = free_port()
    proxy = begin(
        *LONG,
        f"--entryPoints.secure.address=127.0.0.1:{secure}",
        "--entryPoints.secure.http.tls=true",
        "--entryPoints.secure.transport.lifeCycle.graceTimeOut=120s",
    )
    with Origin.named("here") as origin:
        proxy.route(origin, tls=True)
        clients = [Client(port) for port in (proxy.web, secure)]
        began = time.monotonic()
        proxy.process.signal(signal.SIGTERM)
        assert proxy.process.wait() == 0
        assert time.monotonic() - began < 50
        for client in clients:
            assert client.ended()
            client.socket.close()


def test_the_end_after_a_reload_does_not_wait_for_idle_connections(begin: Begin) -> None:
    proxy = begin(*LONG)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as client:
            client.send(get(host))
            client.answer()
            lines = proxy.process.line_count
            proxy.process.signal(signal.SIGHUP)
            proxy.process.wait_for_line("has a successor and stops accepting", after=lines)
            began = time.monotonic()
            proxy.process.signal(signal.SIGTERM)
            assert proxy.process.wait() == 0
            assert time.monotonic() - began < 60
            assert client.ended()


def test_it_accepts_connections_until_load_balancers_know_that_it_ends(begin: Begin) -> None:
    seconds = 4.0
    proxy = begin(
        f"--entryPoints.web.transport.lifeCycle.requestAcceptGraceTimeout={seconds:g}s",
        "--ping.terminatingStatusCode=502",
        "--ping.entryPoint=web",
        workers=2,
    )
    with Origin.named("fast") as origin, Client(proxy.web) as kept:
        host = proxy.route(origin)
        assert http.request(proxy.web, host, "/ping").text == "OK"
        kept.send(get(host))
        kept.answer()
        began = time.monotonic()
        proxy.process.signal(signal.SIGTERM)
        for port in (proxy.web, proxy.admin):
            until(lambda port=port: http.request(port, "localhost", "/ping").status == 502, "a failed check")
        assert proxy.status(host) == 200
        kept.send(get(host))
        response = kept.answer()
        assert (response.status, response.header("Connection")) == (200, None)
        assert proxy.process.wait() == 0
        assert time.monotonic() - began >= seconds
        assert kept.ended()
