"""Traefik 3 and Rondpoint choose certificates and TLS options alike, and refuse the same clients."""

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
from tests.lab.certificate import write_certificate
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

ENTRY_POINTS = {"both": (), "secure": ("http.tls=true",), "mutual": ("http.tls.options=mutual@file",)}

CERTIFICATES = {
    "exact": ("ec", ["DNS:a.test", "DNS:chacha.test"]),
    "wild": ("ec", ["DNS:*.a.test"]),
    "rsa": ("rsa", ["DNS:rsa.test"]),
    "address": ("ec", ["IP:127.0.0.1"]),
}
"""The key type and the names of each certificate."""

CLIENT_AUTH = (
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
)

OPTIONS: dict[str, dict[str, Any]] = {
    "mutual": {"clientAuth": {"caFiles": ["CLIENT"]}},
    "nobody": {"clientAuth": {"clientAuthType": "RequireAndVerifyClientCert"}},
    **{name: {"clientAuth": {"caFiles": ["CLIENT"], "clientAuthType": name}} for name in CLIENT_AUTH},
    "bareany": {"clientAuth": {"clientAuthType": "RequireAnyClientCert"}},
    "modern": {"minVersion": "VersionTLS13"},
    "old": {"maxVersion": "VersionTLS12"},
    "strict": {"sniStrict": True},
    "chacha": {"cipherSuites": ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]},
    "curve": {"curvePreferences": ["CurveP384"]},
    "plainalpn": {"alpnProtocols": ["http/1.1"]},
    "otheralpn": {"alpnProtocols": ["other"]},
    "badsuite": {"cipherSuites": ["TLS_NOTHING"]},
    "badcurve": {"curvePreferences": ["CurveP999"]},
    "badtype": {"clientAuth": {"clientAuthType": "Whatever"}},
}
MISSING = "missing"

ROUTERS: dict[str, dict[str, Any]] = {
    "default": {"rule": "Host(`a.test`) || Host(`x.a.test`)", "tls": {}},
    "plain": {"rule": "Host(`plain.test`)"},
    "rsa": {"rule": "Host(`rsa.test`)", "tls": {}},
    "anywhere": {"rule": "PathPrefix(`/any`)", "tls": {"options": "mutual"}},
    "pattern": {"rule": "HostRegexp(`^p[0-9]\\.test$`)", "tls": {"options": "mutual"}},
    "two": {"rule": "Host(`Two.test`) || Host(`other.two.test`)", "tls": {"options": "mutual"}},
    "disputed": {"rule": "Host(`disputed.test`)", "tls": {"options": "mutual"}},
    "disputing": {"rule": "Host(`disputed.test`) && Path(`/x`)", "tls": {}},
    "spread": {"rule": "Host(`spread.test`) || Host(`spread2.test`)", "tls": {"options": "mutual"}},
    "spreading": {"rule": "Host(`spread2.test`) && Path(`/x`)", "tls": {"options": "modern"}},
    "elsewhere": {
        "rule": "Host(`parts.test`)",
        "tls": {"options": "mutual"},
        "entryPoints": ["both", "secure"],
    },
    "elsewhere2": {"rule": "Host(`parts.test`) && Path(`/y`)", "tls": {}, "entryPoints": ["both"]},
    **{
        name.lower(): {"rule": f"Host(`{name.lower()}.test`)", "tls": {"options": name}}
        for name in (*OPTIONS, MISSING)
    },
}

REFUSED = "refused"


class Outcome(NamedTuple):
    """What a client gets: a status, the names in the certificate, TLS version and ALPN protocol."""

    status: int
    names: str
    version: str
    protocol: str | None


class Call(NamedTuple):
    """A request of a client with the certificate `own`: `known`, `foreign` or none."""

    server_name: str | None
    host: str = ""
    own: str = ""
    entry_point: str = "secure"
    version: ssl.TLSVersion = TLS13
    path: str = "/"
    ciphers: str = ""
    curve: str = ""
    alpn: tuple[str, ...] = ()


def calls() -> Iterator[Call]:
    for name in ("a.test", "A.TEST", "x.a.test", "y.x.a.test", "nobody.test", None):
        yield Call(name, "a.test")
        yield Call(name, "a.test", entry_point="both")
    yield Call("rsa.test", version=TLS12, ciphers="aRSA")
    for name in CLIENT_AUTH:
        for own in ("", "known", "foreign"):
            yield Call(f"{name.lower()}.test", own=own, version=TLS12)
            yield Call(f"{name.lower()}.test", own=own)
    for own in ("", "known", "foreign"):
        for name in ("mutual", "nobody", "bareany"):
            yield Call(f"{name}.test", own=own)
        # Which routers have options by their entry point, and which hosts.
        yield Call("plain.test", own=own, entry_point="mutual")
        yield Call("a.test", own=own, entry_point="mutual")
    for host in ("two.test", "other.two.test", "p1.test", "disputed.test", "spread.test", "spread2.test"):
        for own in ("", "known"):
            yield Call(host, own=own)
            yield Call(host.upper(), host, own=own, entry_point="both")
    for entry_point in ("both", "secure"):
        yield Call("parts.test", entry_point=entry_point)
        yield Call("parts.test", entry_point=entry_point, own="known")
    # Requests for other hosts than those of the handshake.
    for server_name in ("a.test", "mutual.test", "old.test", "nobody.test", None):
        for host in ("a.test", "MUTUAL.test:443", "old.test", "nobody.test", "plain.test", "badsuite.test"):
            yield Call(server_name, host, own="known")
        yield Call(server_name, "other.test", own="known", path="/any")
        yield Call(server_name, "p1.test", own="known")
    for name in ("modern", "old"):
        for version in (TLS12, TLS13):
            yield Call(f"{name}.test", version=version)
    for ciphers in ("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384"):
        yield Call("chacha.test", version=TLS12, ciphers=ciphers)
    for curve in ("secp384r1", "prime256v1"):
        yield Call("curve.test", curve=curve)
    for name in ("strict", "badsuite", "badcurve", "badtype", "missing"):
        yield Call(f"{name}.test")
    for name in ("a", "plainalpn", "otheralpn"):
        for alpn in ((), ("http/1.1",), ("foo",), ("foo", "http/1.1")):
            yield Call(f"{name}.test", alpn=alpn)


CALLS = list(dict.fromkeys(calls()))


def label(call: Call) -> str:
    return " ".join(str(each) for each in call if each and each is not TLS13)


class Candidate(NamedTuple):
    """A running proxy: the ports of its entry points, and the files of clients."""

    ports: dict[str, int]
    files: dict[str, Path]

    def outcome(self, call: Call) -> Outcome | str:
        context = client_context(call.version)
        if call.own:
            context.load_cert_chain(self.files[call.own])
        if call.ciphers:
            context.set_ciphers(call.ciphers)
        if call.curve:
            context.set_ecdh_curve(call.curve)
        if call.alpn:
            context.set_alpn_protocols(list(call.alpn))
        with Client(self.ports[call.entry_point]) as client:
            try:
                tls = context.wrap_socket(client.socket, server_hostname=call.server_name)
                client.socket = tls
                host = call.host or call.server_name
                client.send(f"GET {call.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                # With TLS 1.3, a refused certificate shows only now.
                response = client.rest()
            except OSError:
                return REFUSED
            if not response:
                return REFUSED
            found = tls.getpeercert(binary_form=True)
            assert found is not None
            certificate = x509.load_der_x509_certificate(found)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            known = " ".join(str(name.value) for name in names)
            is_default = "DEFAULT CERT" in certificate.subject.rfc4514_string()
            status = http.parse(response).status
            return Outcome(
                status, "default" if is_default else known, tls.version() or "", tls.selected_alpn_protocol()
            )


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        processes = Processes()
        stack.callback(processes.stop)
        files = {
            name: write_certificate(directory / f"{name}.pem", f"DNS:{name}") for name in ("known", "foreign")
        }
        pairs = []
        for name, (key, names) in CERTIFICATES.items():
            file = str(write_certificate(directory / f"{name}.pem", *names, key=key))
            pairs.append({"certFile": file, "keyFile": file})
        origin = stack.enter_context(Origin.named("a"))
        routes = directory / "routes.yml"
        servers = {"s": {"loadBalancer": {"servers": [{"url": origin.url}]}}}
        content = {
            "http": {"routers": {name: {**each, "service": "s"} for name, each in ROUTERS.items()}},
            "tls": {"certificates": pairs, "options": OPTIONS},
        }
        content["http"]["services"] = servers
        routes.write_text(yaml.safe_dump(content).replace("CLIENT", str(files["known"])))
        found: list[Candidate] = []
        for proxy in ("rondpoint", "traefik"):
            ports = {name: free_port() for name in ENTRY_POINTS}
            flags = [f"--providers.file.filename={routes}"]
            flags += [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
            flags += [
                f"--entryPoints.{name}.{flag}" for name, given in ENTRY_POINTS.items() for flag in given
            ]
            if proxy == "traefik":
                running = start_traefik(processes, *flags)
            else:
                own = ("--providers.docker=false", "--workers=1")
                running = start(processes, *flags, *own, directory=directory)
            for port in ports.values():
                running.process.wait_for_port(port)
            until(
                lambda port=ports["both"]: http.request(port, "plain.test").status == 200,
                f"routes of {proxy}",
            )
            found.append(Candidate(ports, files))
        yield found[0], found[1]


@pytest.mark.parametrize("call", CALLS, ids=label)
def test_both_serve_and_refuse_clients_alike(call: Call, candidates: tuple[Candidate, Candidate]) -> None:
    ours, theirs = (candidate.outcome(call) for candidate in candidates)
    assert ours == theirs
