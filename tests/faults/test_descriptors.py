"""Faults of file descriptors: none is left, connections wait or get a 503, and the workers recover."""

import resource
import time

from tests.faults.conftest import Report, Start
from tests.faults.site import Site
from tests.faults.workers import descriptors, workers
from tests.lab.client_connections import ClientConnections
from tests.lab.origin import http_response
from tests.lab.waiting import until

LIMIT = 200
REQUEST = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"


def test_connections_above_the_limit_wait(site: Site, origin: Start, report: Report) -> None:
    site.routes.serve(*(origin(http_response(b"here")) for _ in range(3)))
    site.agent(site.routes.flag)
    limited = site.instance(enter=("prlimit", f"--nofile={LIMIT}:{LIMIT}"))
    site.instance()
    site.converge(site.routes.servers)
    before = workers(limited)
    with site.load(posts=2) as load:
        load.wait_for(100)
        with ClientConnections(limited.web, 3 * LIMIT) as clients:
            assert clients.send_to_all(REQUEST) == 3 * LIMIT
            until(lambda: clients.count_readable() > LIMIT // 2, "responses to the accepted clients")
            # The other clients wait, and so do further ones.
            load.wait_for(100)
            assert clients.count_readable() < LIMIT
            assert all(descriptors(pid) < LIMIT for pid in before)
        converged = site.converge(site.routes.servers)
        load.wait_for(200)
    report(
        f"{3 * LIMIT} clients of a proxy whose workers may have {LIMIT} descriptors",
        load,
        converged=converged,
    )
    load.assert_no_failures()
    assert workers(limited) == before
    assert "Traceback" not in limited.process.log


def test_workers_without_descriptors_respond_with_503_and_recover(
    site: Site, origin: Start, report: Report, full: bool
) -> None:
    site.routes.serve(*(origin(http_response(b"here")) for _ in range(3)))
    site.agent(site.routes.flag)
    limited = site.instance()
    site.instance()
    site.converge(site.routes.servers)
    before = workers(limited)
    with site.load(posts=2) as load:
        load.wait_for(100)
        normal = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in before}
        for pid in before:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, normal[pid][1]))
        # Requests in flight and on keep-alive connections continue.
        load.wait_for(200)
        time.sleep(5 if full else 2)
        for pid in before:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, normal[pid])
        converged = site.converge(site.routes.servers)
        load.wait_for(100)
    with site.load(posts=2) as later:
        later.wait_for(200)
    report("no descriptor is left to a proxy's workers", load, converged=converged, may_fail="there: 503")
    assert all(failure.is_complete and failure.status == 503 for failure in load.failures), (
        load.describe_failures()
    )
    later.assert_no_failures()
    assert workers(limited) == before
    assert "Traceback" not in limited.process.log
