"""The real Traefik's `acme.json` is taken over, and Traefik takes back what Rondpoint writes."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from discovery.acme.storage.resolver_files import ResolverFiles
from discovery.acme.storage.take_over import take_over
from discovery.acme.store import AcmeStore
from rondpoint.settings import ResolverOptions
from rondpoint.store.acme import certificate_id
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import TlsDomain
from tests.lab.pebble import ADDRESS, Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

LEASE = "7 agent"
NAMES = ("migrated.test", "www.migrated.test")
ROUTES = """
http:
  routers:
    r: {rule: "Host(`migrated.test`) || Host(`www.migrated.test`)", service: s, entryPoints: [secure],
        tls: {certResolver: le}}
  services: {s: {loadBalancer: {servers: [{url: "http://127.0.0.1:1"}]}}}
"""


@contextmanager
def traefik(pebble: Pebble, directory: Path) -> Iterator[int]:
    """Run Traefik with a resolver at the CA, and yield its port for TLS."""
    processes = Processes()
    (directory / "routes.yml").write_text(ROUTES)
    secure = free_port()
    try:
        start_traefik(
            processes,
            f"--entryPoints.secure.address={ADDRESS}:{secure}",
            f"--entryPoints.challenges.address={ADDRESS}:{pebble.http_port}",
            f"--providers.file.filename={directory / 'routes.yml'}",
            f"--certificatesResolvers.le.acme.caServer={pebble.directory_url}",
            f"--certificatesResolvers.le.acme.caCertificates={pebble.certificate}",
            f"--certificatesResolvers.le.acme.storage={directory / 'acme.json'}",
            "--certificatesResolvers.le.acme.email=a@migrated.test",
            "--certificatesResolvers.le.acme.keyType=EC256",
            "--certificatesResolvers.le.acme.httpChallenge.entryPoint=challenges",
        )
        yield secure
    finally:
        processes.stop()


def served(port: int) -> str:
    """Return the certificate that a client gets for the first name, empty while Traefik has no route."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((ADDRESS, port), 10) as connection,
            context.wrap_socket(connection, server_hostname=NAMES[0]) as secured,
        ):
            return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")
    except OSError:
        return ""


@pytest.mark.timeout(180)
def test_a_file_of_the_real_traefik_comes_over_and_goes_back(
    pebble: Pebble, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "acme.json"
    with traefik(pebble, tmp_path):
        until(lambda: path.exists() and '"certificate"' in path.read_text(), "the certificate")
    written = path.read_text()
    options = ResolverOptions(ca_server=pebble.directory_url, storage=str(path), key_type="EC256")
    keys = Keys()
    with store.client() as client:
        client.set(keys.leader, LEASE)
        acme_store = AcmeStore(client, keys, Sealer(b"s" * 32), lambda: LEASE)
        taken = take_over(acme_store, ResolverFiles({"le": options}))
        assert (taken.blocked, taken.diagnostics, path.read_text()) == (frozenset(), (), written)
        account = taken.contents.accounts["le"]
        assert account.url == json.loads(written)["le"]["Account"]["Registration"]["uri"]
        assert account.email == "a@migrated.test"
        identity = certificate_id("le", TlsDomain(NAMES[0], NAMES[1:]))
        certificate = taken.contents.certificates[identity]

        # Without the file, Rondpoint writes a new one, and Traefik needs no further order.
        path.unlink()
        orders = pebble.order_count
        take_over(acme_store, ResolverFiles({"le": options}))
    leaf = certificate.chain.partition("-----END CERTIFICATE-----")[0]
    with traefik(pebble, tmp_path) as port:
        until(lambda: served(port).startswith(leaf), "the certificate of the file")
        assert pebble.order_count == orders
