"""Certificates of route files, from the agent's disk to handshakes, in one installation for all tests."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509

from tests.discovery.certificates.pairs import MadePair, make_pair, private_key
from tests.lab.installation import Installation, start
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.waiting import until
from tests.proxy.tls.handshakes import client_context

SECRET = "0123456789abcdef" * 4
WITHIN = 1.0
"""Seconds within which new handshakes get a replaced certificate."""

ROUTES = """
tls:
  certificates:
    - {{certFile: {folder}/a.pem, keyFile: {folder}/a.key}}
  stores:
    default: {{defaultCertificate: {{certFile: {folder}/default.pem, keyFile: {folder}/default.key}}}}
  options: {{default: {{minVersion: {version}}}}}
http:
  routers: {{r: {{rule: "Host(`a.test`)", service: s, tls: {{}}}}}}
  services: {{s: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:9"}}]}}}}}}
"""


class Site:
    """An installation with a route file, and the files that it names."""

    def __init__(self, folder: Path, installation: Installation, port: int) -> None:
        self.folder, self.installation, self.port = folder, installation, port

    def presented(self, name: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> int:
        """Return the serial number of the certificate that a client gets for this name."""
        context = client_context(version)
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as stream,
        ):
            presented = stream.getpeercert(binary_form=True)
        assert presented is not None
        return x509.load_der_x509_certificate(presented).serial_number

    def seconds_until_presented(self, name: str, serial: int) -> float:
        began = time.monotonic()
        until(lambda: self.presented(name) == serial, f"certificate {serial} for {name}")
        return time.monotonic() - began


def write(folder: Path, name: str, made: MadePair) -> None:
    (folder / f"{name}.pem").write_text(made.certificate)
    (folder / f"{name}.key").write_text(made.key)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    processes = Processes()
    with ExitStack() as stack:
        stack.callback(processes.stop)
        write(folder, "a", make_pair("a.test", serial=1))
        write(folder, "default", make_pair("default.test", serial=100, key=private_key("rsa")))
        routes = folder / "routes.yml"
        routes.write_text(ROUTES.format(folder=folder, version="VersionTLS12"))
        installation = start(
            processes,
            f"--providers.file.filename={routes}",
            f"--entryPoints.websecure.address=127.0.0.1:{port}",
            "--entryPoints.websecure.http.tls=true",
            f"--store.secret={SECRET}",
        )
        made = Site(folder, installation, port)
        until(lambda: made.presented("a.test") == 1, "the certificate of the file")
        yield made


def test_clients_get_the_certificates_of_files(site: Site) -> None:
    assert site.presented("a.test") == 1
    assert site.presented("other.test") == 100


@pytest.mark.parametrize(("serial", "first"), [(2, "pem"), (3, "key")])
def test_a_replaced_pair_serves_new_handshakes_within_a_second(site: Site, serial: int, first: str) -> None:
    before = site.presented("a.test")
    made = make_pair("a.test", serial=serial, key=private_key("ec", serial))
    texts = {"pem": made.certificate, "key": made.key}
    (site.folder / f"a.{first}").write_text(texts.pop(first))
    for _ in range(5):
        # Half a pair changes nothing.
        assert site.presented("a.test") == before
    ((last, text),) = texts.items()
    (site.folder / f"a.{last}").write_text(text)
    assert site.seconds_until_presented("a.test", serial) < WITHIN


def test_a_broken_pair_leaves_the_old_one_in_force_with_a_diagnostic(site: Site) -> None:
    before = site.presented("a.test")
    pem = site.folder / "a.pem"
    text = pem.read_text()
    pem.write_text(text[:200])
    message = until(
        lambda: next((each for each in messages(site) if "a.pem contains no certificate" in each), None),
        "a diagnostic",
    )
    assert message.endswith("the last valid contents stay in force")
    assert site.presented("a.test") == before
    pem.write_text(text)
    until(lambda: not messages(site), "no diagnostic")


def messages(site: Site) -> list[str]:
    return [each["message"] for each in site.installation.api("/api/diagnostics")]


def test_default_options_of_a_file_count(site: Site) -> None:
    old = ssl.TLSVersion.TLSv1_2
    assert site.presented("a.test", old) > 0
    routes = site.folder / "routes.yml"
    routes.write_text(routes.read_text().replace("VersionTLS12", "VersionTLS13"))

    def refuses() -> bool:
        try:
            site.presented("a.test", old)
        except ssl.SSLError:
            return True
        return False

    until(refuses, "clients with TLS 1.2 being refused")
    assert site.presented("a.test") > 0


def test_keys_are_shown_nowhere(site: Site) -> None:
    key = (site.folder / "a.key").read_text().splitlines()[1]
    shown = json.dumps([site.installation.api(path) for path in ("/api/diagnostics", "/api/rawdata")])
    assert key not in shown + site.installation.process.log
