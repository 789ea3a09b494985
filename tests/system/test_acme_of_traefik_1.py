"""A `traefik.toml` with `[acme]` and `onHostRule` gets certificates, and its file outlives an empty store."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.lab.pebble import ADDRESS, Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.waiting import until

SETTINGS = """
defaultEntryPoints = ["http", "https"]
[entryPoints.http]
address = "{address}:{http}"
[entryPoints.http.redirect]
entryPoint = "https"
[entryPoints.https]
address = "{address}:{https}"
[entryPoints.https.tls]
[acme]
email = "a@first.test"
storage = "acme.json"
entryPoint = "https"
onHostRule = true
keyType = "EC256"
caServer = "{ca}"
[acme.httpChallenge]
entryPoint = "http"
[[acme.domains]]
main = "named.first.test"
[file]
[backends.b.servers.s]
url = "http://127.0.0.1:1"
[frontends.f]
backend = "b"
[frontends.f.routes.r]
rule = "Host:first.test,www.first.test"
"""
HOSTS = ("first.test", "www.first.test", "named.first.test")


def serial(port: int, host: str, roots: str) -> str | None:
    """Return the serial number of the certificate for a host, if a client that trusts `roots` accepts it."""
    context = ssl.create_default_context(cadata=roots)
    try:
        with (
            socket.create_connection((ADDRESS, port), 5) as connection,
            context.wrap_socket(connection, server_hostname=host) as stream,
        ):
            certificate = stream.getpeercert()
    except OSError:
        return None
    return str(certificate["serialNumber"]) if certificate else None


@pytest.mark.timeout(180)
def test_hosts_of_frontends_and_named_domains_are_certified_once(pebble: Pebble, tmp_path: Path) -> None:
    https, orders = free_port(), pebble.order_count
    content = SETTINGS.format(address=ADDRESS, http=pebble.http_port, https=https, ca=pebble.directory_url)
    (tmp_path / "traefik.toml").write_text(content)
    storage = tmp_path / "acme.json"
    storage.touch(0o600)
    found: list[list[str]] = []
    for _ in range(2):
        # Each start has an empty store.
        processes = Processes()
        try:
            processes(
                "rondpoint",
                "up",
                f"--entryPoints.traefik.address={ADDRESS}:{free_port()}",
                "--workers=1",
                directory=tmp_path,
                environment={"LEGO_CA_CERTIFICATES": str(pebble.certificate)},
            )

            def all_served() -> list[str] | None:
                serials = [serial(https, host, pebble.root()) for host in HOSTS]
                return [each for each in serials if each] if all(serials) else None

            found.append(until(all_served, "trusted certificates for all hosts"))
            until(lambda: storage.read_text().count('"certificate"') == 2, "both certificates in the file")
        finally:
            processes.stop()
    assert found[0] == found[1]
    assert len(set(found[0])) == 2
    assert pebble.order_count - orders == 2
    assert storage.stat().st_mode & 0o777 == 0o600
