"""After a migration, the certificates of a Traefik are served, and nothing is ordered."""

from pathlib import Path

import pytest

from tests.discovery.acme.storage.certificates import of_traefik_1, of_traefik_3, pair
from tests.lab.acme_site import HTTP, Site, serial
from tests.lab.origin import Origin
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store

NAMES = ("old.example.test", "www.example.test")
HOSTS = [(name,) for name in NAMES]
FILES = {"traefik 3": of_traefik_3({"le": HOSTS}), "traefik 1": of_traefik_1(HOSTS)}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_of_traefik_orders_nothing(
    processes: Processes, store: Store, dns_server: DnsServer, tmp_path: Path, text: str
) -> None:
    with Pebble(tmp_path, dns_server.address) as ca, Origin.named("shop") as origin:
        site = Site(processes, store, ca, tmp_path, HTTP)
        site.storage.write_text(text)
        site.storage.chmod(0o600)
        site.start_agent(site.write_routes(origin, *NAMES))
        proxy = site.start_proxy()
        site.wait(
            lambda: all(serial(proxy.secure, name, pair(name)[0]) for name in NAMES), "both certificates"
        )
        assert (ca.order_count, ca.account_count) == (0, 0)
