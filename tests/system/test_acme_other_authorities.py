"""Certificates for a whole installation by DNS-01 with BIND, and from Caddy as the CA."""

import os
from pathlib import Path

from tests.lab.acme_site import HTTP, RESOLVER, Site
from tests.lab.bind import KEY, SECRET, Bind
from tests.lab.caddy import CaddyCa
from tests.lab.origin import Origin
from tests.lab.pebble import Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store

ZONE = "zone.test"
DNS = "dnsChallenge.provider=rfc2136"


def test_a_wildcard_and_its_base_are_one_certificate_by_records_in_a_zone(
    processes: Processes, store: Store, tmp_path: Path
) -> None:
    with Bind(tmp_path, [ZONE]) as bind, Pebble(tmp_path, bind.address) as ca, Origin.named("shop") as origin:
        site = Site(processes, store, ca, tmp_path, DNS)
        site.flags += [
            f"{RESOLVER}.keyType=EC256",
            f"{RESOLVER}.dnsChallenge.resolvers={bind.address}",
            # The zone's name server does not have the usual port.
            f"{RESOLVER}.dnsChallenge.propagation.disableANSChecks=true",
        ]
        domains = [{"main": ZONE, "sans": [f"*.{ZONE}"]}]
        names = (ZONE, f"a.{ZONE}", f"b.{ZONE}")
        routes = site.write_routes(origin, *names, tls={"domains": domains})
        environment = {
            "RFC2136_NAMESERVER": bind.address,
            "RFC2136_TSIG_KEY": KEY,
            "RFC2136_TSIG_SECRET": SECRET,
            "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
        }
        site.start_agent(routes, environment=environment)
        site.start_proxy()
        site.wait_until_served(*names)
        assert (ca.order_count, ca.issued_count) == (1, 1)
        assert bind.texts(f"_acme-challenge.{ZONE}") == []


def test_caddy_s_ca_certifies_names_too(processes: Processes, store: Store, tmp_path: Path) -> None:
    name = "caddy.example.test"
    # This CA asks at port 80 only, so this process gets an address of the loopback network to itself.
    high, low = divmod(os.getpid() % 65_000 + 256, 256)
    address = f"127.80.{high}.{low}"
    with CaddyCa(tmp_path, {name: address}) as ca, Origin.named("shop") as origin:
        site = Site(processes, store, ca, tmp_path, HTTP)
        site.flags.append(f"{RESOLVER}.keyType=EC256")
        site.start_agent(site.write_routes(origin, name))
        site.start_proxy(plain=80, address=address)
        site.wait_until_served(name)
