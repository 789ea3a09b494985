"""Traefik 3 and Rondpoint connect to servers alike with the same servers transports.

If a server's certificate is refused, Traefik responds with 500 and Rondpoint with 502. There is no other
difference.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest

from tests.lab.certificate import write_certificate
from tests.lab.installation import Installation, start
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik

URI = "spiffe://prod/web"
SERVED, REFUSED, LATE = 200, 502, 504


@dataclass(frozen=True)
class Case:
    """A transport, whose options may name files, and the status that Rondpoint responds with."""

    options: str
    status: int
    server: str = "tls"


CASES = {
    "none": Case("", REFUSED),
    "lax": Case("insecureSkipVerify: true", SERVED),
    "trusting": Case("rootCAs: [{server}]", SERVED),
    "trusting-text": Case("rootCAs: [{text}]", SERVED),
    "trusting-two": Case("rootCAs: [{other}, {server}]", SERVED),
    "trusting-other": Case("rootCAs: [{other}]", REFUSED),
    "named": Case("rootCAs: [{server}], serverName: shop.internal", SERVED),
    "misnamed": Case("rootCAs: [{server}], serverName: other.internal", REFUSED),
    "lax-misnamed": Case("insecureSkipVerify: true, serverName: other.internal", SERVED),
    "with-uri": Case(f"rootCAs: [{{server}}], peerCertURI: '{URI}'", SERVED),
    "with-other-uri": Case(f"rootCAs: [{{server}}], peerCertURI: '{URI}2'", REFUSED),
    "lax-with-uri": Case(f"insecureSkipVerify: true, peerCertURI: '{URI}'", REFUSED),
    "http-1": Case("insecureSkipVerify: true, disableHTTP2: true", SERVED),
    "old": Case("insecureSkipVerify: true, maxVersion: VersionTLS12", SERVED),
    "without-client": Case("rootCAs: [{server}]", REFUSED, "asking"),
    "with-client": Case("rootCAs: [{server}], certificates: [{client}]", SERVED, "asking"),
    "with-other-client": Case("rootCAs: [{server}], certificates: [{stranger}]", REFUSED, "asking"),
    "impatient": Case("forwardingTimeouts: {{responseHeaderTimeout: 500ms}}", LATE, "slow"),
    "plain": Case("rootCAs: [{server}]", SERVED, "plain"),
}


@dataclass(frozen=True)
class Scene:
    ours: Installation
    theirs: Installation


@dataclass(frozen=True)
class TlsServer:
    """A server with this certificate; it demands a client certificate from the given authority."""

    certificate: Path
    authority: Path | None = None

    def __call__(self, connection: Connection) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        if self.authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority)
        with suppress(OSError):
            connection.socket = context.wrap_socket(connection.socket, server_side=True)
            while connection.read():
                connection.send(http_response(b"served"))


def plain(connection: Connection) -> None:
    while connection.read():
        connection.send(http_response(b"served"))


def routes(files: dict[str, str], urls: dict[str, str]) -> str:
    lines = ["http:", "  routers:"]
    lines += [f"    {name}: {{rule: 'Host(`{name}.test`)', service: {name}}}" for name in CASES]
    lines.append("  serversTransports:")
    lines += [f"    {name}: {{{case.options.format(**files)}}}" for name, case in CASES.items()]
    lines.append("  services:")
    for name, case in CASES.items():
        servers = f"[{{url: '{urls[case.server]}'}}]"
        lines.append(f"    {name}: {{loadBalancer: {{serversTransport: {name}, servers: {servers}}}}}")
    url = urls["tls"]
    lines.append(f"    missing: {{loadBalancer: {{serversTransport: nowhere, servers: [{{url: '{url}'}}]}}}}")
    lines.insert(2, "    missing: {rule: 'Host(`missing.test`)', service: missing}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    processes, over = Processes(), Event()

    def slow(connection: Connection) -> None:
        while connection.read():
            over.wait(60)

    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        server = write_certificate(
            directory / "server.pem", "DNS:shop.internal", f"URI:{URI}", "IP:127.0.0.1"
        )
        other, client, stranger = (
            write_certificate(directory / f"{name}.pem", f"DNS:{name}.internal")
            for name in ("other", "client", "stranger")
        )
        text = server.read_text()
        certificate = text[text.index("-----BEGIN CERTIFICATE-----") :].strip()
        handlers = {
            "tls": TlsServer(server),
            "asking": TlsServer(server, client),
            "slow": slow,
            "plain": plain,
        }
        origins = {name: stack.enter_context(Origin(handler)) for name, handler in handlers.items()}
        stack.callback(over.set)
        urls = {
            name: f"{'http' if name in ('slow', 'plain') else 'https'}://127.0.0.1:{origin.port}"
            for name, origin in origins.items()
        }
        files = {
            "server": str(server),
            "other": str(other),
            "text": '"' + certificate.replace("\n", "\\n") + '"',
            "client": f"{{certFile: {client}, keyFile: {client}}}",
            "stranger": f"{{certFile: {stranger}, keyFile: {stranger}}}",
        }
        path = directory / "routes.yml"
        path.write_text(routes(files, urls))
        provider = f"--providers.file.filename={path}"
        ours = start(processes, provider, "--providers.docker=false", directory=directory)
        theirs = start_traefik(processes, provider)
        try:
            for proxy in (ours, theirs):
                proxy.wait_for("lax.test")
            yield Scene(ours, theirs)
        finally:
            over.set()
            processes.stop()


@pytest.mark.parametrize("name", CASES)
def test_the_same_transport_has_the_same_outcome(scene: Scene, name: str) -> None:
    status = scene.ours.request(f"{name}.test").status
    theirs = scene.theirs.request(f"{name}.test").status
    assert status == CASES[name].status
    assert (502 if theirs == 500 else theirs) == status


def test_a_transport_that_does_not_exist_closes_the_service(scene: Scene) -> None:
    assert scene.ours.request("missing.test").status == 503
    assert scene.theirs.request("missing.test").status == 404, "Traefik drops the router"
