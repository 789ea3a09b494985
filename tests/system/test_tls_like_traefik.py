"""Traefik 3 and Rondpoint serve plain HTTP and TLS on one port alike, without certificates of one's own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml
from cryptography import x509

from tests.lab import http
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client

OPTIONS = {
    "both": (),
    "websecure": ("http.tls=true",),
    "resolved": ("http.tls.certResolver=le",),
    "redirecting": ("http.redirections.entryPoint.to=websecure",),
    "secureredirecting": ("http.tls=true", "http.redirections.entryPoint.to=websecure"),
    "guarded": ("http.middlewares=marked@file",),
}
"""The options of each entry point."""

RESOLVER = ("email=a@b.test", "caServer=http://127.0.0.1:1/", "httpChallenge.entryPoint=both")

ROUTERS: dict[str, dict[str, Any]] = {
    "plain": {"rule": "Host(`plain.test`)"},
    "secure": {"rule": "Host(`secure.test`)", "tls": {}},
    "resolved": {"rule": "Host(`resolved.test`)", "tls": {"certResolver": "le"}},
    "samehost": {"rule": "Host(`same.test`) && PathPrefix(`/`)", "middlewares": ["marked"]},
    "samehostsecure": {"rule": "Host(`same.test`) && PathPrefix(`/`)", "tls": {}, "priority": 100},
    "redirected": {"rule": "Host(`moved.test`)", "middlewares": ["https"]},
    "movedsecure": {"rule": "Host(`moved.test`)", "middlewares": ["https"], "tls": {}},
    "onlyboth": {"rule": "Host(`only.test`)", "tls": {}, "entryPoints": ["both"]},
}
MIDDLEWARES = {
    "marked": {"headers": {"customRequestHeaders": {"X-Marked": "yes"}}},
    "https": {"redirectScheme": {"scheme": "https", "permanent": True}},
}
HOSTS = ("plain.test", "secure.test", "resolved.test", "same.test", "moved.test", "only.test", "nobody.test")


class Outcome(NamedTuple):
    """What the client gets, and what the origin gets.

    That is `X-Forwarded-Proto`, `X-Forwarded-Port` and `X-Marked`.
    """

    status: int
    location: str
    received: tuple[tuple[str | None, ...], ...]


class Candidate(NamedTuple):
    """A running proxy: the ports of its entry points, and the origin of its routers."""

    ports: dict[str, int]
    origin: Origin

    def outcome(self, entry_point: str, host: str, *, tls: bool) -> Outcome:
        """Return the outcome of a request; status 0 stands for a connection without a response."""
        before = len(self.origin.requests)
        with Client(self.ports[entry_point]) as client:
            if tls:
                client.socket = client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(
                    client.socket, server_hostname=host
                )
            client.send(f"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            found = client.rest()
        if not found.startswith(b"HTTP/1."):
            return Outcome(0, "", ())
        response = http.parse(found)
        location = (response.header("Location") or "").replace(f":{self.ports['websecure']}/", ":SECURE/")
        received = tuple(
            tuple(map(request.header, ("X-Forwarded-Proto", "X-Forwarded-Port", "X-Marked")))
            for request in self.origin.requests[before:]
        )
        return Outcome(response.status, location, received)

    def described(self, host: str, upgrade: str, *, tls: bool) -> tuple[str | None, ...]:
        """Return how the origin of a request with this Host is told of the connection."""
        before = len(self.origin.requests)
        lines = f"Connection: keep-alive, Upgrade\r\nUpgrade: {upgrade}\r\n" if upgrade else ""
        with Client(self.ports["both"]) as client:
            if tls:
                client.socket = client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(client.socket)
            client.send(f"GET /x HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())
            assert client.head().startswith(b"HTTP/1.1 200 ")
        (request,) = self.origin.requests[before:]
        names = ("X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host", "Upgrade")
        return tuple(map(request.header, names))

    def certificate(self, entry_point: str, server_name: str) -> x509.Certificate:
        with Client(self.ports[entry_point]) as client:
            client.socket = client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(
                client.socket, server_hostname=server_name
            )
            found = client.socket.getpeercert(binary_form=True)
        assert found is not None
        return x509.load_der_x509_certificate(found)


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        processes = Processes()
        stack.callback(processes.stop)
        found: list[Candidate] = []
        for proxy in ("rondpoint", "traefik"):
            origin = stack.enter_context(Origin.named("a"))
            servers = {"s": {"loadBalancer": {"servers": [{"url": origin.url}]}}}
            routers = {name: {**router, "service": "s"} for name, router in ROUTERS.items()}
            routes = directory / f"{proxy}.yml"
            content = {"routers": routers, "services": servers, "middlewares": MIDDLEWARES}
            routes.write_text(yaml.safe_dump({"http": content}))
            ports = {name: free_port() for name in OPTIONS}
            flags = [f"--providers.file.filename={routes}"]
            flags += [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
            flags += [f"--entryPoints.{name}.{flag}" for name, given in OPTIONS.items() for flag in given]
            flags += [f"--certificatesResolvers.le.acme.{option}" for option in RESOLVER]
            flags += [f"--certificatesResolvers.le.acme.storage={directory}/{proxy}.json"]
            if proxy == "traefik":
                running = start_traefik(processes, *flags)
            else:
                flags += ["--providers.docker=false", "--workers=1"]
                running = start(processes, *flags, directory=directory)
            for port in ports.values():
                running.process.wait_for_port(port)
            until(
                lambda port=ports["both"]: http.request(port, "plain.test").status == 200,
                f"routes of {proxy}",
            )
            found.append(Candidate(ports, origin))
        yield found[0], found[1]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("entry_point", OPTIONS)
def test_both_serve_requests_alike(
    entry_point: str, host: str, tls: bool, candidates: tuple[Candidate, Candidate]
) -> None:
    ours, theirs = (candidate.outcome(entry_point, host, tls=tls) for candidate in candidates)
    assert ours == theirs


@pytest.mark.parametrize("upgrade", ["", "websocket", "WebSocket", "other"])
@pytest.mark.parametrize("port", ["", ":", ":80", ":8443"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_both_describe_connections_alike(
    tls: bool, port: str, upgrade: str, candidates: tuple[Candidate, Candidate]
) -> None:
    host = f"same.test{port}"
    ours, theirs = (candidate.described(host, upgrade, tls=tls) for candidate in candidates)
    assert ours == theirs


@pytest.mark.parametrize("server_name", ["secure.test", "resolved.test", "nobody.test"])
@pytest.mark.parametrize("entry_point", ["both", "websecure", "resolved"])
def test_both_present_a_default_certificate(
    entry_point: str, server_name: str, candidates: tuple[Candidate, Candidate]
) -> None:
    ours, theirs = (candidate.certificate(entry_point, server_name) for candidate in candidates)
    for found, name in ((ours, "RONDPOINT DEFAULT CERT"), (theirs, "TRAEFIK DEFAULT CERT")):
        assert found.subject == found.issuer
        assert found.subject.rfc4514_string() == f"CN={name}"
