"""Store, CA and leading agent fail while certificates are obtained: none is lost, and none ordered twice."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.lab.acme_site import HTTP, RESOLVER, Proxy, Site
from tests.lab.challenge_gate import ChallengeGate
from tests.lab.origin import Origin
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store

FIRST, SECOND, THIRD = "first.faults.test", "second.faults.test", "third.faults.test"


@pytest.fixture
def gate() -> Iterator[ChallengeGate]:
    """Holds back the responses to challenges of the site."""
    with ChallengeGate() as running:
        yield running


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin.named("shop") as running:
        yield running


@pytest.fixture
def ca(dns_server: DnsServer, gate: ChallengeGate, tmp_path: Path) -> Iterator[Pebble]:
    """A CA that reaches the proxy through the gate; a test starts it."""
    ca = Pebble(tmp_path, dns_server.address, http_port=gate.port)
    yield ca
    ca.kill()


@pytest.fixture
def site(processes: Processes, store: Store, ca: Pebble, gate: ChallengeGate, tmp_path: Path) -> Site:
    site = Site(processes, store, ca, tmp_path, HTTP)
    site.flags.append(f"{RESOLVER}.keyType=EC256")
    return site


def start_proxy(site: Site, gate: ChallengeGate) -> Proxy:
    """Start the proxy that the gate leads to."""
    proxy = site.start_proxy(plain=free_port())
    gate.target = proxy.plain
    return proxy


def renewal(proxy: Proxy, name: str) -> dict[str, Any]:
    """Return what the API says about the next order for a name."""
    found: dict[str, Any] = proxy.certificate(name).get("renewal", {})
    return found


def test_a_ca_that_comes_up_late_and_a_bad_name_hold_no_others(
    site: Site, gate: ChallengeGate, origin: Origin, dns_server: DnsServer
) -> None:
    gate.open()
    dns_server.fail(SECOND)
    routes = site.write_routes(origin, FIRST, SECOND)
    site.start_agent(routes)
    proxy = start_proxy(site, gate)
    proxy.wait_until_ready()
    site.wait(lambda: "cannot be reached" in renewal(proxy, FIRST).get("error", ""), "the failure in the API")
    assert proxy.certificate(FIRST)["status"] == "failed"
    site.ca.start()
    began = time.monotonic()
    site.wait_until_served(FIRST)
    print(f"after the CA came up: {time.monotonic() - began:.1f} s")

    site.wait(lambda: SECOND in renewal(proxy, SECOND).get("error", ""), "the bad name in the API")
    bad = renewal(proxy, SECOND)
    assert bad["hint"]
    failed_at, next_attempt = (datetime.fromisoformat(bad[each]) for each in ("failedAt", "nextAttempt"))
    assert 58 < (next_attempt - failed_at).total_seconds() < 77
    # A change of the configuration is no reason to try it again.
    site.write_routes(origin, FIRST, SECOND, THIRD)
    site.wait_until_served(FIRST, THIRD)
    assert renewal(proxy, SECOND) == bad
    assert (site.ca.order_count, site.ca.issued_count, site.ca.account_count) == (3, 2, 1)


@pytest.mark.parametrize("fault", ["restart", "freeze"])
def test_a_store_that_fails_during_an_order_loses_nothing(
    site: Site, gate: ChallengeGate, origin: Origin, fault: str
) -> None:
    site.ca.start()
    agent = site.start_agent(site.write_routes(origin, FIRST))
    start_proxy(site, gate)
    assert gate.held.wait(120)
    if fault == "restart":
        site.store.restart()
        gate.open()
    else:
        site.store.freeze()
        gate.open()
        site.ca.process.wait_for_line("set VALID")
        site.store.thaw()
    site.wait_until_served(FIRST)
    site.wait(lambda: FIRST in site.storage.read_text(), "the certificate in the file")
    assert agent.running
    assert (site.ca.order_count, site.ca.issued_count, site.ca.account_count) == (1, 1, 1)


def test_the_next_leader_continues_the_order_of_a_killed_one(
    site: Site, gate: ChallengeGate, origin: Origin
) -> None:
    site.ca.start()
    routes = site.write_routes(origin, FIRST)
    leader = site.start_agent(routes)
    leader.wait_for_line("this agent is the leader")
    standby = site.start_agent(routes)
    start_proxy(site, gate)
    assert gate.held.wait(120)
    site.kill(leader)
    gate.open()
    site.wait_until_served(FIRST)
    assert "continuing the order" in standby.log
    site.wait(lambda: FIRST in site.storage.read_text(), "the certificate in the file")
    assert (site.ca.order_count, site.ca.issued_count, site.ca.account_count) == (1, 1, 1)
