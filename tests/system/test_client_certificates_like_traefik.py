"""Traefik 3 and Rondpoint pass on the same of the same client certificates, and log the same subject."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.client_certificates.samples import SAMPLES
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


class Candidate(NamedTuple):
    """A running proxy that asks clients for certificates, with a router for each of the OPTIONS."""

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

    def logged(self, path: str) -> dict[str, Any]:
        """Return the fields about TLS in the line of the log for this path."""

        def line() -> dict[str, Any] | None:
            lines = map(json.loads, self.log.read_text().splitlines())
            return next((each for each in lines if each["RequestPath"] == path), None)

        found = until(line, "the line")
        return {name: found.get(name) for name in ("TLSVersion", "TLSClientSubject")}


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        processes = Processes()
        stack.callback(processes.stop)
        found = []
        for proxy in ("rondpoint", "traefik"):
            origin = stack.enter_context(Origin.named("a"))
            file = directory / f"{proxy}.yml"
            file.write_text(yaml.safe_dump(routes(origin)))
            running = Candidate(free_port(), origin, directory / f"{proxy}.log")
            flags = [
                f"--providers.file.filename={file}",
                f"--entryPoints.secure.address=127.0.0.1:{running.port}",
                f"--accessLog.filePath={running.log}",
                "--accessLog.format=json",
            ]
            if proxy == "traefik":
                start_traefik(processes, *flags)
            else:
                start(processes, *flags, "--providers.docker=false", "--workers=1", directory=directory)
            until(partial(serves, running), f"routes of {proxy}")
            found.append(running)
        yield found[0], found[1]


def routes(origin: Origin) -> dict[str, Any]:
    return {
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


def serves(candidate: Candidate) -> bool:
    """Return whether a request without a certificate passes, and whether what it claims is removed."""
    try:
        return not candidate.request("all", None)
    except (AssertionError, OSError):
        return False


@pytest.mark.parametrize("name", SAMPLES)
def test_both_pass_on_and_log_the_same(
    candidates: tuple[Candidate, Candidate], name: str, tmp_path: Path
) -> None:
    file = SAMPLES[name].write(tmp_path / "client.pem")
    path = f"/{list(SAMPLES).index(name)}"
    passed = [{options: each.request(options, file, path) for options in OPTIONS} for each in candidates]
    assert passed[0] == passed[1]
    logged = [candidate.logged(path) for candidate in candidates]
    assert logged[0] == logged[1]
    assert passed[0]["all"].keys() == set(HEADERS)
    assert logged[0]["TLSClientSubject"] is not None
