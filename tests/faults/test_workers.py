"""Workers are killed and reloaded, instances stopped: only what a killed worker had in hand may fail."""

import signal
import time

from tests.faults.conftest import Report, Start
from tests.faults.site import Site
from tests.faults.workers import await_successors, kill, peers, stop, workers
from tests.lab.origin import answer

NOTICED = 2.0
"""Seconds in which a client has certainly noticed that its connection has ended."""
GRACE = tuple(f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut=30s" for name in ("web", "traefik"))


def test_of_a_killed_worker_only_what_it_had_in_hand_fails(site: Site, origin: Start, report: Report) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    for _ in range(2):
        site.instance()
    site.converge(site.routes.servers)
    slowest, in_hand, killed = 0.0, {}, {}
    with site.load(clients=16) as load:
        for instance in site.instances:
            for pid in sorted(workers(instance)):
                load.wait_for(100)
                # Stopped first, so that nothing changes while it is looked at.
                stop(pid)
                in_hand[pid] = {(port, instance.web) for port in peers(pid, instance.web)}
                began = time.time()
                kill(instance, pid)
                killed[pid] = began, time.time()
                slowest = max(slowest, site.converge(site.routes.servers))
        load.wait_for(200)
    report("every worker killed, one after the other", load, converged=slowest, may_fail="in flight there")
    for failure in load.failures:
        connection = (failure.local_port, failure.port)
        owner = [pid for pid, held in in_hand.items() if connection in held]
        assert owner, f"not a request of a killed worker\n{load.story()}"
        alive, dead = killed[owner[0]]
        assert failure.began <= dead + NOTICED, load.story()
        assert failure.ended >= alive, load.story()
        assert not failure.received, load.story()
    assert len(load.failures) <= sum(map(len, in_hand.values()))


def test_reloads_of_all_instances_fail_nothing(site: Site, origin: Start, report: Report, full: bool) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    for _ in range(2):
        site.instance(*GRACE)
    site.converge(site.routes.servers)
    slowest, rounds = 0.0, 5 if full else 2
    with site.load(posts=4) as load:
        for number in range(rounds):
            load.wait_for(100)
            before = [workers(instance) for instance in site.instances]
            for instance in site.instances:
                instance.process.signal(signal.SIGHUP)
            site.routes.serve(*((two,) if number % 2 else (one, two)))
            for instance, old in zip(site.instances, before, strict=True):
                await_successors(instance, old)
            slowest = max(slowest, site.converge(site.routes.servers))
    report(f"HUP to two instances at once, {rounds} times", load, converged=slowest)
    load.nothing_failed()


def test_an_instance_that_stops_hands_over_to_another(
    site: Site, origin: Start, report: Report, full: bool
) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    site.instance()
    site.converge(site.routes.servers)
    slowest, rounds, loads = 0.0, 20 if full else 3, []
    first = site.instances[0]
    for number in range(rounds):
        second = site.instance()
        site.converge(site.routes.servers)
        with site.load(first, second, handover=True, posts=4) as load:
            load.wait_for(200)
            first.process.signal(signal.SIGTERM)
            assert first.process.wait() == 0
            site.instances.remove(first)
            site.routes.serve(*((two,) if number % 2 else (one, two)))
            slowest = max(slowest, site.converge(site.routes.servers))
            load.wait_for(200)
        assert load.tally.moved
        loads.append(load)
        first = second
    name = f"SIGTERM to an instance, its clients go to another one, {rounds} times"
    report(name, *loads, converged=slowest)
    for load in loads:
        load.nothing_failed()
