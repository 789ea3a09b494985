"""Workers and whole instances that start while the store is gone serve the last known configuration."""

import signal

import pytest

from tests.faults.conftest import Report, Start
from tests.faults.site import Site
from tests.faults.sources import HOST
from tests.faults.workers import kill, workers
from tests.lab.origin import answer
from tests.lab.store import Store
from tests.lab.waiting import until


@pytest.mark.parametrize("gone", ["killed", pytest.param("frozen", marks=pytest.mark.full), "emptied"])
def test_the_last_known_configuration_is_served(
    site: Site, store: Store, origin: Start, report: Report, gone: str
) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    site.routes.serve(one, two)
    agent = site.agent(site.routes.flag)
    for _ in range(2):
        site.instance()
    site.converge(site.routes.servers)
    steady, restarted = site.instances
    until(site.kept, "the configuration kept in a file")
    with site.load(steady) as load:
        load.wait_for(100)
        agent.stop()
        {"killed": store.kill, "frozen": store.freeze, "emptied": store.flush}[gone]()
        # One worker of each, and then the whole of the second instance.
        for instance in site.instances:
            kill(instance, min(workers(instance)))
        restarted.process.signal(signal.SIGTERM)
        assert restarted.process.wait() == 0
        site.instances.remove(restarted)
        young = site.instance()
        until(lambda: young.request(HOST).status == 200, "the last configuration")
        with site.load(young) as later:
            later.wait_for(200)
            load.wait_for(100)
            site.routes.serve(two)
            {"killed": store.start, "frozen": store.thaw, "emptied": store.flush}[gone]()
            site.agent(site.routes.flag)
            converged = site.converge(site.routes.servers)
            later.wait_for(100)
    name = f"workers and an instance started while Redis is {gone}"
    report(name, load, later, converged=converged, may_fail="in flight on the killed worker")
    later.nothing_failed()
    for failure in load.failures:
        assert not failure.received, load.story()
    assert len(load.failures) <= 8, load.story()
