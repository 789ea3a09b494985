"""Workers are killed and reloaded, instances stopped: only requests in flight on a killed worker may fail."""

import signal
import time

from tests.faults.conftest import Report, Start
from tests.faults.http2_client import STREAMS
from tests.faults.site import Site
from tests.faults.workers import client_ports, kill, suspend, wait_for_replacements, workers
from tests.lab.origin import http_response

NOTICE_TIME = 2.0
"""Seconds after which a client has noticed that its connection ended."""
GRACE = tuple(f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut=30s" for name in ("web", "traefik"))


def test_only_requests_in_flight_on_a_killed_worker_fail(site: Site, origin: Start, report: Report) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    for _ in range(2):
        site.instance()
    site.converge(site.routes.servers)
    slowest, in_flight, killed = 0.0, {}, {}
    with site.load(clients=16, http2=4) as load:
        for instance in site.instances:
            for pid in sorted(workers(instance)):
                load.wait_for(100)
                # Suspend it first, so that its connections do not change while they are listed.
                suspend(pid)
                in_flight[pid] = {(port, instance.web) for port in client_ports(pid, instance.web)}
                began = time.time()
                kill(instance, pid)
                killed[pid] = began, time.time()
                slowest = max(slowest, site.converge(site.routes.servers))
        load.wait_for(200)
    report("every worker killed, one after the other", load, converged=slowest, may_fail="in flight there")
    for failure in load.failures:
        connection = (failure.local_port, failure.port)
        owner = [pid for pid, held in in_flight.items() if connection in held]
        assert owner, f"not a request of a killed worker\n{load.describe_failures()}"
        alive, dead = killed[owner[0]]
        assert failure.began <= dead + NOTICE_TIME, load.describe_failures()
        assert failure.ended >= alive, load.describe_failures()
        assert not failure.received, load.describe_failures()
    assert len(load.failures) <= sum(map(len, in_flight.values())) * STREAMS


def test_reloads_of_all_instances_fail_no_request(
    site: Site, origin: Start, report: Report, full: bool
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    for _ in range(2):
        site.instance(*GRACE)
    site.converge(site.routes.servers)
    slowest, rounds = 0.0, 5 if full else 2
    with site.load(posts=4, http2=4) as load:
        for number in range(rounds):
            load.wait_for(100)
            before = [workers(instance) for instance in site.instances]
            for instance in site.instances:
                instance.process.signal(signal.SIGHUP)
            site.routes.serve(*((two,) if number % 2 else (one, two)))
            for instance, old in zip(site.instances, before, strict=True):
                wait_for_replacements(instance, old)
            slowest = max(slowest, site.converge(site.routes.servers))
    report(f"HUP to two instances at once, {rounds} times", load, converged=slowest)
    load.assert_no_failures()


def test_clients_of_a_stopping_instance_move_to_another(
    site: Site, origin: Start, report: Report, full: bool
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    site.routes.serve(one, two)
    site.agent(site.routes.flag)
    site.instance()
    site.converge(site.routes.servers)
    slowest, rounds, loads = 0.0, 20 if full else 3, []
    first = site.instances[0]
    for number in range(rounds):
        second = site.instance()
        site.converge(site.routes.servers)
        with site.load(first, second, handover=True, posts=4, http2=4) as load:
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
        load.assert_no_failures()
