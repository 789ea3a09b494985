"""A thousand WebSockets through a reload: they live until the grace time ends."""

import signal
import time
from http.client import HTTPException

from tests.faults.conftest import Report, Start
from tests.faults.convergence import reports
from tests.faults.site import Site
from tests.faults.workers import workers
from tests.lab.echo import Echo
from tests.lab.installation import Installation
from tests.lab.origin import answer
from tests.lab.waiting import until
from tests.lab.websockets import echoed, many

COUNT = 1000
LATE = 60.0
"""Seconds that a busy machine may take to end them all."""


def upgrades(proxy: Installation) -> int:
    """How many its workers tell of; -1 while one of them does not answer."""
    try:
        return sum(each["worker"]["upgrades"] for each in reports(proxy).values())
    except (OSError, HTTPException):
        return -1


def test_a_thousand_websockets_outlive_a_reload_until_the_drain_limit(
    site: Site, origin: Start, report: Report
) -> None:
    grace = 20.0
    with Echo() as echo:
        site.routes.serve(origin(answer(b"here")), chat=echo)
        site.agent(site.routes.flag)
        proxy = site.instance(
            *(
                f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut={grace:g}s"
                for name in ("web", "traefik")
            )
        )
        site.converge(site.routes.servers)
        with site.load(posts=2) as load, many(proxy.web, "chat.test", COUNT) as old:
            until(lambda: upgrades(proxy) == COUNT, "all of them told by the workers")
            leaving = workers(proxy)
            lines = proxy.process.line_count
            began = time.monotonic()
            proxy.process.signal(signal.SIGHUP)
            proxy.process.wait_for_line("has a successor and stops accepting", after=lines, count=len(leaving))
            # Their grace time has begun by now; much of it is left to a machine that is slow.
            followed, turns = time.monotonic(), 0
            while not turns or time.monotonic() - followed < grace / 4:
                assert all(echoed(old, f"turn {turns}"))
                turns += 1
            assert leaving <= workers(proxy)
            with many(proxy.web, "chat.test", 50) as new:
                for client in old:
                    client.settimeout(grace + LATE)
                    assert client.sock is not None
                    assert client.sock.recv(1) == b""
                assert grace - 0.5 < time.monotonic() - began < grace + LATE
                assert all(echoed(new, "here to stay"))
                until(lambda: not workers(proxy) & leaving, "the end of the old workers")
                converged = site.converge(site.routes.servers)
                assert all(echoed(new, "still here"))
            load.wait_for(100)
    name = f"HUP with {COUNT} WebSockets, which live until the grace time of {grace:g} s ends"
    report(name, load, converged=converged)
    load.nothing_failed()
