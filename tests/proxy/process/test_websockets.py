"""Many concurrent WebSockets, also while their worker leaves."""

import json
import signal
import time

from tests.lab import http
from tests.lab.echo import EchoServer
from tests.lab.origin import Origin
from tests.lab.waiting import until
from tests.lab.websockets import connect_websockets, send_and_compare
from tests.proxy.process.conftest import Begin
from tests.proxy.running import Proxy

COUNT = 1000


def upgrades(proxy: Proxy) -> int:
    response = http.request(proxy.admin, "localhost", "/api/rawdata")
    return int(json.loads(response.body)["worker"]["upgrades"])


def test_a_thousand_websockets_through_one_worker(begin: Begin) -> None:
    proxy = begin()
    with EchoServer() as echo, Origin.named("other") as other:
        host, plain = proxy.route(echo.port), proxy.route(other)
        with connect_websockets(proxy.web, host, COUNT) as clients:
            until(lambda: upgrades(proxy) == COUNT, "all counted")
            for message in ("one", "two", "three"):
                assert all(send_and_compare(clients, message))
            assert proxy.get(plain) == "other"
            for client in clients[: COUNT // 2]:
                client.close()
            until(lambda: upgrades(proxy) == COUNT // 2, "the closed ones to be uncounted")
            assert all(send_and_compare(clients[COUNT // 2 :], "four"))
        until(lambda: upgrades(proxy) == 0, "the others to be uncounted")
    assert "Traceback" not in proxy.process.log


def test_websockets_of_a_leaving_worker_live_until_the_grace_time_ends(begin: Begin) -> None:
    grace = 10.0
    proxy = begin(
        *(f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut={grace:g}s" for name in ("web", "traefik"))
    )
    with EchoServer() as echo, Origin.named("other") as other:
        host, plain = proxy.route(echo.port), proxy.route(other)
        with connect_websockets(proxy.web, host, 20) as old:
            lines = proxy.process.line_count
            proxy.process.signal(signal.SIGHUP)
            proxy.process.wait_for_line("has a successor and stops accepting", after=lines)
            began = time.monotonic()
            assert all(send_and_compare(old, "still here"))
            assert proxy.get(plain) == "other"
            with connect_websockets(proxy.web, host, 20) as new:
                # Only the new worker's own.
                until(lambda: upgrades(proxy) == 20, "the new ones counted by the new worker")
                assert all(send_and_compare(old, "until the end"))
                for client in old:
                    client.settimeout(grace + 60)
                    assert client.sock.recv(1) == b""
                assert grace - 0.5 < time.monotonic() - began < grace + 60
                assert all(send_and_compare(new, "here to stay"))
    proxy.process.wait_for_line("20 connections unfinished", after=lines)
