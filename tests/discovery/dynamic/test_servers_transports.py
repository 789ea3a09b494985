"""Decoding of `http.serversTransports`."""

from pathlib import Path

import pytest

from discovery.decoding.decoded import Decoded
from discovery.dynamic.decode import decode
from discovery.dynamic.servers_transports import UNSERVED_OPTIONS
from rondpoint.diagnostics import Severity
from rondpoint.model import ClientCertificate, ServersTransport
from tests.lab.certificate import write_certificate

SECRET = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFsecret\n-----END EC PRIVATE KEY-----\n"


def decoded(options: dict[str, object]) -> Decoded:
    return decode({"http": {"serversTransports": {"t": options}}}, "file", "routes.yml")


OPTIONS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "nothing": ({}, {}),
    "a name": ({"serverName": "shop.internal"}, {"server_name": "shop.internal"}),
    "an address as name": ({"serverName": "10.0.0.1"}, {"server_name": "10.0.0.1"}),
    "no checks": ({"insecureSkipVerify": True}, {"insecure_skip_verify": True}),
    "authorities": ({"rootCAs": ["/a.pem", "b.pem"]}, {"root_cas": ("/a.pem", "b.pem")}),
    "authorities as one text": ({"rootCAs": "/a.pem,b.pem"}, {"root_cas": ("/a.pem", "b.pem")}),
    "a client certificate": (
        {"certificates": [{"certFile": "/c.pem", "keyFile": "/k.pem"}]},
        {"certificate": ClientCertificate("/c.pem", "/k.pem")},
    ),
    "no client certificates": ({"certificates": []}, {}),
    "versions": (
        {"minVersion": "VersionTLS12", "maxVersion": "versiontls13"},
        {"min_version": "VersionTLS12", "max_version": "VersionTLS13"},
    ),
    "idle connections": ({"maxIdleConnsPerHost": 7}, {"max_idle_connections": 7}),
    "no idle connections": ({"maxIdleConnsPerHost": "-1"}, {"max_idle_connections": -1}),
    "a URI": ({"peerCertURI": "spiffe://a/b"}, {"peer_cert_uri": "spiffe://a/b"}),
    "HTTP/1.1 only": ({"disableHTTP2": True}, {"disable_http2": True}),
    "timeouts": (
        {"forwardingTimeouts": {"dialTimeout": "1s", "responseHeaderTimeout": "1m", "idleConnTimeout": 0}},
        {"dial_timeout": 1.0, "response_header_timeout": 60.0, "idle_timeout": 0.0},
    ),
    "pings": (
        {"forwardingTimeouts": {"readIdleTimeout": "1s", "pingTimeout": "2s"}},
        {"read_idle_timeout": 1.0, "ping_timeout": 2.0},
    ),
    "other letters": ({"INSECURESKIPVERIFY": "true"}, {"insecure_skip_verify": True}),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_are_read(case: str) -> None:
    options, expected = OPTIONS[case]
    found = decoded(options)
    assert found.servers_transports == (ServersTransport("t@file", **expected),)  # type: ignore[arg-type]
    assert found.diagnostics == ()


CLOSING: dict[str, tuple[dict[str, object], str]] = {
    "no host": ({"serverName": "a b"}, "serverName is not valid"),
    "no authority": ({"rootCAs": []}, "rootCAs is not valid"),
    "no list": ({"rootCAs": {"a": "b"}}, "rootCAs is not valid"),
    "no PEM": ({"rootCAs": ["-----BEGIN CERTIFICATE-----\nx"]}, "rootCAs is no certificate in PEM"),
    "no version": ({"minVersion": "TLS13"}, "minVersion is not valid"),
    "no version above": ({"maxVersion": "VersionTLS14"}, "maxVersion is not valid"),
    "an empty URI": ({"peerCertURI": ""}, "peerCertURI is not valid"),
    "no key": ({"certificates": [{"certFile": "/c.pem"}]}, "certificates lacks certFile or keyFile"),
    "no certificate": ({"certificates": [{"keyFile": "/k.pem"}]}, "certificates lacks certFile or keyFile"),
    "no list of certificates": ({"certificates": "/c.pem"}, "certificates cannot be read"),
    "two certificates": (
        {"certificates": [{"certFile": "/c", "keyFile": "/k"}, {"certFile": "/d", "keyFile": "/l"}]},
        "certificates has several certificates",
    ),
    "a key as text": (
        {"certificates": [{"certFile": "/c.pem", "keyFile": SECRET}]},
        "keyFile contains a private key",
    ),
    "a key in base64": (
        {"certificates": [{"certFile": "/c.pem", "keyFile": "MIGHAgEAsecret" * 9}]},
        "keyFile contains a private key",
    ),
    "a key beside its certificate": (
        {"certificates": [{"certFile": SECRET, "keyFile": "/k.pem"}]},
        "certFile contains a private key",
    ),
    "a key among the authorities": ({"rootCAs": [SECRET]}, "rootCAs contains a private key"),
    **{option: ({option: {}}, f"{option} is not served yet") for option in UNSERVED_OPTIONS},
}


@pytest.mark.parametrize("case", CLOSING)
def test_an_option_that_cannot_be_used_closes_the_services(case: str) -> None:
    options, reason = CLOSING[case]
    found = decoded(options)
    (transport,) = found.servers_transports
    assert reason in transport.unserved
    errors = [each for each in found.diagnostics if each.severity is Severity.ERROR]
    assert errors and all(each.hint for each in errors)
    shown = f"{found.servers_transports} {found.diagnostics}"
    assert "secret" not in shown


def test_the_message_about_a_private_key_says_where_to_put_it() -> None:
    (error,) = decoded({"certificates": [{"certFile": "/c.pem", "keyFile": SECRET}]}).diagnostics
    assert error.about == "serversTransport t@file"
    assert "http.serversTransports.t.certificates[0].keyFile contains a private key" in error.message
    assert "put the key into a file" in error.hint


def test_certificates_may_be_texts(tmp_path: Path) -> None:
    text = write_certificate(tmp_path / "a.pem").read_text()
    certificate = text[text.index("-----BEGIN CERTIFICATE-----") :].strip()
    pair = {"certFile": certificate, "keyFile": "/k.pem"}
    found = decoded({"rootCAs": [certificate], "certificates": [pair]})
    assert found.servers_transports == (
        ServersTransport(
            "t@file", root_cas=(certificate,), certificate=ClientCertificate(certificate, "/k.pem")
        ),
    )
    assert found.diagnostics == ()


def test_an_unknown_option_is_reported() -> None:
    (warning,) = decoded({"insecureSkipVerfy": True}).diagnostics
    assert "insecureSkipVerfy is unknown" in warning.message
    assert "insecureSkipVerify" in warning.hint


def test_a_bad_timeout_has_its_default_and_closes_nothing() -> None:
    found = decoded({"forwardingTimeouts": {"dialTimeout": "-1s"}})
    assert found.servers_transports == (ServersTransport("t@file"),)
    (error,) = found.diagnostics
    assert "dialTimeout" in error.message
