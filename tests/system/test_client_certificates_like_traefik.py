"""Traefik 3 and Rondpoint pass on the same of the same client certificates, and log the same subject."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
import yaml

from proxy.client_certificates.certificates import ClientCertificates
from proxy.http1.request import Request
from proxy.middlewares.pass_tls_client_cert import pass_tls_client_cert
from proxy.middlewares.step import Client as StepClient
from rondpoint.middlewares.canonical import add_defaults
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.client_certificates.samples import SAMPLES, Sample
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client

NAMES = ("country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent")
ALL = dict.fromkeys(NAMES, True)
OPTIONS: Mapping[str, dict[str, Any]] = {
    "all": {
        "pem": True,
        "info": {
            **dict.fromkeys(("notAfter", "notBefore", "sans", "serialNumber"), True),
            "subject": {**ALL, "organizationalUnit": True},
            "issuer": ALL,
        },
    },
    "pem": {"pem": True},
    "subject": {"info": {"subject": {"commonName": True, "organization": True}}},
    "issuer": {"info": {"issuer": {"country": True, "serialNumber": True}}},
    "sans": {"info": {"sans": True}},
    "nothing": {"info": {"sans": False}},
}
HEADERS = ("x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info")


class Traefik(NamedTuple):
    """A running Traefik that asks clients for certificates, with a router for each of the OPTIONS."""

    port: int
    origin: Origin
    log: Path

    def request(self, options: str, certificate: Path | None, path: str = "/") -> dict[str, str]:
        """Return the headers about certificates that the origin got."""
        context = client_context(ssl.TLSVersion.TLSv1_3)
        if certificate is not None:
            context.load_cert_chain(certificate)
        host = f"{options}.test"
        with Client(self.port) as client:
            client.socket = context.wrap_socket(client.socket, server_hostname=host)
            lines = "".join(f"{name}: forged\r\n" for name in HEADERS)
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n".encode())
            assert client.rest().startswith(b"HTTP/1.1 200 ")
        found = self.origin.requests[-1].headers
        return {name.lower(): value for name, value in found if name.lower().startswith(HEADERS[0])}

    def subject(self, path: str) -> str:
        """Return the subject in the line of the log for this path."""

        def line() -> dict[str, Any] | None:
            lines = map(json.loads, self.log.read_text().splitlines())
            return next((each for each in lines if each["RequestPath"] == path), None)

        return str(until(line, "the line of the log")["TLSClientSubject"])


@pytest.fixture(scope="module")
def traefik() -> Iterator[Traefik]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        processes = Processes()
        stack.callback(processes.stop)
        origin = stack.enter_context(Origin.named("a"))
        content = {
            "http": {
                "routers": {
                    each: {"rule": f"Host(`{each}.test`)", "middlewares": [each], "service": "s", "tls": {}}
                    for each in OPTIONS
                },
                "middlewares": {each: {"passTLSClientCert": options} for each, options in OPTIONS.items()},
                "services": {"s": {"loadBalancer": {"servers": [{"url": origin.url}]}}},
            },
            "tls": {"options": {"default": {"clientAuth": {"clientAuthType": "RequestClientCert"}}}},
        }
        file = directory / "routes.yml"
        file.write_text(yaml.safe_dump(content))
        running = Traefik(free_port(), origin, directory / "access.log")
        start_traefik(
            processes,
            f"--providers.file.filename={file}",
            f"--entryPoints.secure.address=127.0.0.1:{running.port}",
            f"--accessLog.filePath={running.log}",
            "--accessLog.format=json",
        )

        def serves() -> bool:
            try:
                return not running.request("all", None)
            except (AssertionError, OSError):
                return False

        until(serves, "the routes")
        yield running


def ours(options: str, sample: Sample) -> dict[str, str]:
    """Return the headers that Rondpoint adds for these certificates."""
    request = Request()
    request.headers = b""
    client = SimpleNamespace(stream=SimpleNamespace(client_certificates=ClientCertificates(sample.der)))
    step = pass_tls_client_cert(add_defaults("passTLSClientCert", OPTIONS[options]))
    step(request, cast("StepClient", client))
    lines = (line.split(": ", 1) for line in request.headers.decode().split("\r\n")[1:])
    return {name.lower(): value for name, value in lines}


@pytest.mark.filterwarnings("ignore:Attribute's length")
@pytest.mark.parametrize("name", SAMPLES)
def test_both_pass_on_and_log_the_same(traefik: Traefik, name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    file = sample.write(tmp_path / "client.pem")
    path = f"/{list(SAMPLES).index(name)}"
    theirs = {options: traefik.request(options, file, path) for options in OPTIONS}
    assert theirs == {options: ours(options, sample) for options in OPTIONS}
    assert traefik.subject(path) == ClientCertificates(sample.der).subject
