"""A thousand WebSockets during a reload: they stay open until the grace time ends."""

import signal
import time
from http.client import HTTPException

from tests.faults.conftest import Report, Start
from tests.faults.convergence import reports
from tests.faults.site import Site
from tests.faults.workers import workers
from tests.lab.echo import EchoServer
from tests.lab.installation import Installation
from tests.lab.origin import http_response
from tests.lab.waiting import until
from tests.lab.websockets import connect_websockets, send_and_compare

COUNT = 1000
TOLERANCE = 60.0
"""Additional seconds that a busy machine may need to end them all."""


def upgrades(proxy: Installation) -> int:
    """Return the number that its workers report; -1 if one of them does not respond."""
    try:
        return sum(report["worker"]["upgrades"] for report in reports(proxy).values())
    except (OSError, HTTPException):
        return -1


def test_a_thousand_websockets_outlive_a_reload_until_the_drain_limit(
    site: Site, origin: Start, report: Report
) -> None:
    grace = 20.0
    with EchoServer() as echo:
        site.routes.serve(origin(http_response(b"here")), chat=echo)
        site.agent(site.routes.flag)
        proxy = site.instance(
            *(
                f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut={grace:g}s"
                for name in ("web", "traefik")
            )
        )
        site.converge(site.routes.servers)
        with site.load(posts=2) as load, connect_websockets(proxy.web, "chat.test", COUNT) as old:
            until(lambda: upgrades(proxy) == COUNT, "all of them in the reports of the workers")
            leaving = workers(proxy)
            lines = proxy.process.line_count
            began = time.monotonic()
            proxy.process.signal(signal.SIGHUP)
            proxy.process.wait_for_line(
                "has a successor and stops accepting", after=lines, count=len(leaving)
            )
            # Their grace time has begun; the test uses a quarter of it, for slow machines.
            replaced, rounds = time.monotonic(), 0
            while not rounds or time.monotonic() - replaced < grace / 4:
                assert all(send_and_compare(old, f"round {rounds}"))
                rounds += 1
            assert leaving <= workers(proxy)
            with connect_websockets(proxy.web, "chat.test", 50) as new:
                for client in old:
                    client.settimeout(grace + TOLERANCE)
                    assert client.sock is not None
                    assert client.sock.recv(1) == b""
                assert grace - 0.5 < time.monotonic() - began < grace + TOLERANCE
                assert all(send_and_compare(new, "new workers"))
                until(lambda: not workers(proxy) & leaving, "the end of the old workers")
                converged = site.converge(site.routes.servers)
                assert all(send_and_compare(new, "still here"))
            load.wait_for(100)
    name = f"HUP with {COUNT} WebSockets, which live until the grace time of {grace:g} s ends"
    report(name, load, converged=converged)
    load.assert_no_failures()
