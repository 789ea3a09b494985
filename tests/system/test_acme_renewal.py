"""Certificates are renewed before they end, for all proxies, and no connection notices it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.acme.storage.certificates import of_traefik_3, pair
from tests.lab.acme_site import RESOLVER, TLS, KeptConnection, Proxy, Site, serial
from tests.lab.origin import Origin
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store

NAME = "renewed.example.test"
LIFE = 20
"""Seconds that certificates of the CA last; they are renewed when a third is left."""
DAYS_LEFT = 20.0
"""Of a certificate for 110 days: it is due for renewal."""


@pytest.fixture
def ca(dns_server: DnsServer, tmp_path: Path) -> Iterator[Pebble]:
    """A CA whose certificates last some seconds; the test starts it."""
    ca = Pebble(tmp_path, dns_server.address, settings={"certificateValidityPeriod": LIFE})
    yield ca
    ca.kill()


def listed(proxy: Proxy) -> dict[str, Any]:
    return proxy.certificate(NAME)


def _serial(proxy: Proxy) -> int:
    """Return the serial number of the one certificate in the API."""
    return int(listed(proxy)["serialNumber"])


def serials(site: Site, root: str) -> set[str]:
    """Return the serial numbers of the certificates that new handshakes get; empty if one is not valid."""
    return {serial(proxy.secure, NAME, root) for proxy in site.proxies}


def test_a_certificate_is_renewed_although_the_ca_was_down_and_connections_go_on(
    processes: Processes, store: Store, ca: Pebble, tmp_path: Path
) -> None:
    old, _ = pair(NAME, days=DAYS_LEFT)
    site = Site(processes, store, ca, tmp_path, TLS)
    site.flags.append(f"{RESOLVER}.keyType=EC256")
    site.storage.write_text(of_traefik_3({"le": [(NAME,)]}, days=DAYS_LEFT))
    site.storage.chmod(0o600)
    with Origin.named("shop") as origin, ExitStack() as kept:
        site.start_agent(site.write_routes(origin, NAME))
        one, other = site.start_proxy(), site.start_proxy()
        one.wait_until_ready()
        site.wait(lambda: "" not in serials(site, old), "the old certificate")
        (first,) = serials(site, old)
        site.wait(lambda: listed(one).get("renewal", {}).get("error"), "the failure in the API")
        assert listed(one)["status"] == "warning"
        # It is still in use.
        assert serials(site, old) == {first}
        connections = [kept.enter_context(KeptConnection(proxy.secure, NAME, old)) for proxy in (one, other)]

        ca.start()
        root = ca.root()
        site.wait(lambda: "" not in serials(site, root), "the new certificate")
        (second,) = serials(site, root)
        site.wait(lambda: "error" not in listed(one)["renewal"], "no failure any more")
        connections.append(kept.enter_context(KeptConnection(other.secure, NAME, root)))

        def renewed_again() -> bool:
            found = serials(site, root)
            assert "" not in found, "a certificate ended before it was renewed"
            return second not in found

        site.wait(renewed_again, "the next certificate")
        assert [connection.status() for connection in connections] == [200] * 3
        assert [connection.serial for connection in connections] == [first, first, second]
        # `listed` accepts no second certificate for the name.
        site.wait(
            lambda: int(second, 16) not in {_serial(one), _serial(other)}, "the newest one alone in the API"
        )
    assert ca.order_count == ca.issued_count
