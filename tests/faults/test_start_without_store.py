"""Workers and instances that start without the store serve the last known configuration."""

import signal

import pytest

from tests.faults.conftest import Report, Start
from tests.faults.site import Site
from tests.faults.sources import HOST
from tests.faults.workers import kill, workers
from tests.lab.origin import http_response
from tests.lab.store import Store
from tests.lab.waiting import until


@pytest.mark.parametrize("fault", ["killed", pytest.param("frozen", marks=pytest.mark.full), "emptied"])
def test_the_last_known_configuration_is_served(
    site: Site, store: Store, origin: Start, report: Report, fault: str
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    site.routes.serve(one, two)
    agent = site.agent(site.routes.flag)
    for _ in range(2):
        site.instance()
    site.converge(site.routes.servers)
    steady, restarted = site.instances
    until(site.has_local_snapshot, "the local snapshot of the configuration")
    with site.load(steady) as load:
        load.wait_for(100)
        agent.stop()
        {"killed": store.kill, "frozen": store.freeze, "emptied": store.flush}[fault]()
        # Kill one worker of each instance, and then stop the whole second instance.
        for instance in site.instances:
            kill(instance, min(workers(instance)))
        restarted.process.signal(signal.SIGTERM)
        assert restarted.process.wait() == 0
        site.instances.remove(restarted)
        started = site.instance()
        until(lambda: started.request(HOST).status == 200, "the last configuration")
        with site.load(started) as later:
            later.wait_for(200)
            load.wait_for(100)
            site.routes.serve(two)
            {"killed": store.start, "frozen": store.thaw, "emptied": store.flush}[fault]()
            site.agent(site.routes.flag)
            converged = site.converge(site.routes.servers)
            later.wait_for(100)
    name = f"workers and an instance started while Redis is {fault}"
    report(name, load, later, converged=converged, may_fail="in flight on the killed worker")
    later.assert_no_failures()
    for failure in load.failures:
        assert not failure.received, load.describe_failures()
    assert len(load.failures) <= 8, load.describe_failures()
