"""Certificates by ACME for a whole installation: agents and proxies on one store, and a real CA."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.acme_site import HTTP, RESOLVER, TLS, Site
from tests.lab.origin import Origin
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until

NAMES = ("shop.example.test", "blog.example.test")

MakeSite = Callable[[str], Site]


@pytest.fixture
def make_site(
    processes: Processes, store: Store, dns_server: DnsServer, tmp_path: Path
) -> Iterator[MakeSite]:
    """Makes a site for a challenge, with a CA of its own."""
    with ExitStack() as stack:

        def make(challenge: str) -> Site:
            ca = stack.enter_context(Pebble(tmp_path, dns_server.address))
            return Site(processes, store, ca, tmp_path, challenge)

        yield make


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin.named("shop") as running:
        yield running


def start(site: Site, routes: Path, *, workers: int = 1) -> float:
    """Start an agent and two proxies; return the seconds until both proxies serve both names."""
    began = time.monotonic()
    site.start_agent(routes)
    for _ in range(2):
        site.start_proxy(workers=workers)
    site.wait_until_served(*NAMES)
    return time.monotonic() - began


@pytest.mark.parametrize("challenge", [HTTP, TLS])
def test_both_names_are_served_by_both_proxies_after_one_order_each(
    make_site: MakeSite, origin: Origin, challenge: str
) -> None:
    site = make_site(challenge)
    site.flags.append("--entryPoints.web.http.redirections.entryPoint.to=websecure")
    routes = site.write_routes(origin, *NAMES)
    print(f"from nothing to TLS: {start(site, routes, workers=2):.1f} s")
    assert (site.ca.order_count, site.ca.account_count) == (len(NAMES), 1)
    assert site.clear_keys() == []
    listed = site.proxies[1].certificates()
    assert all(each["renewal"]["renewAt"] < each["notAfter"] for each in listed)
    assert {(*each["sans"], each["resolver"], each["status"], *each["usedBy"]) for each in listed} == {
        (name, "le", "enabled", f"{name.replace('.', '-')}@file") for name in NAMES
    }


def test_after_everything_was_killed_nothing_is_ordered_again(make_site: MakeSite, origin: Origin) -> None:
    site = make_site(HTTP)
    site.flags.append(f"{RESOLVER}.keyType=EC256")
    routes = site.write_routes(origin, *NAMES)
    start(site, routes)
    until(lambda: all(name in site.storage.read_text() for name in NAMES), "both in the file")
    site.kill()
    start(site, routes)
    # The store comes back empty, and so the certificates come from the file.
    site.kill()
    site.store.restart()
    start(site, routes)
    assert (site.ca.order_count, site.ca.account_count) == (len(NAMES), 1)


def test_agents_with_contributions_and_standbys_order_each_certificate_once(
    make_site: MakeSite, origin: Origin
) -> None:
    site = make_site(TLS)
    site.flags.append(f"{RESOLVER}.keyType=EC256")
    site.flags.remove(f"{RESOLVER}.storage={site.storage}")
    for number, name in enumerate(NAMES):
        routes = site.write_routes(origin, name, file=f"{name}.yml")
        # Two agents for each name: one of them is on standby.
        for storage in (f"{number}.json", f"{number}-standby.json"):
            file = f"{RESOLVER}.storage={site.storage.parent / storage}"
            site.start_agent(routes, f"--agent.name=agent{number}", file)
    site.start_proxy()
    site.wait_until_served(*NAMES)
    assert (site.ca.order_count, site.ca.account_count) == (len(NAMES), 1)
