"""Decoding of `tls`: certificates, stores and options, in both dialects."""

from __future__ import annotations

from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.decode import decode
from rondpoint.diagnostics import Severity
from rondpoint.tls.model import Certificate, TlsOptions

PAIR = {"certFile": "/a.pem", "keyFile": "/a.key"}
SECRET = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"
BOTH = "expected the name of a file, or PEM text"


def decoded(tls: object) -> Decoded:
    return decode({"tls": tls}, "file", "routes.yml")


def messages(found: Decoded) -> list[str]:
    return [each.message for each in found.diagnostics]


PAIRS: dict[str, tuple[Any, tuple[WrittenPair, ...]]] = {
    "none": ({}, ()),
    "a list": (
        {"certificates": [PAIR, {"certFile": "b", "keyFile": "c", "stores": ["other", "default"]}]},
        (
            WrittenPair("tls.certificates[0]", "/a.pem", "/a.key"),
            WrittenPair("tls.certificates[1]", "b", "c"),
        ),
    ),
    "the default one": (
        {"stores": {"default": {"defaultCertificate": PAIR}}},
        (WrittenPair("tls.stores.default.defaultCertificate", "/a.pem", "/a.key", default=True),),
    ),
    "Traefik 1's list": (
        [{"entryPoints": ["https"], "certificate": PAIR}, {"certificate": PAIR}],
        (
            WrittenPair("tls[0].certificate", "/a.pem", "/a.key", ("https",)),
            WrittenPair("tls[1].certificate", "/a.pem", "/a.key"),
        ),
    ),
    "Traefik 1's keys beside those of Traefik 3": (
        {
            "shop": {"entrypoints": "a,b", "certificate": {"certfile": "b", "keyfile": "c"}},
            "certificates": [PAIR],
        },
        (
            WrittenPair("tls.certificates[0]", "/a.pem", "/a.key"),
            WrittenPair("tls.shop.certificate", "b", "c", ("a", "b")),
        ),
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_pairs_are_read(case: str) -> None:
    tls, expected = PAIRS[case]
    found = decoded(tls)
    assert (found.pairs, found.diagnostics) == (expected, ())


NO_PAIRS: dict[str, tuple[Any, str]] = {
    "no key": (
        {"certificates": [{"certFile": "a"}]},
        "tls.certificates[0] is left out, because it has no keyFile",
    ),
    "an empty certificate": (
        {"certificates": [{"certFile": " ", "keyFile": "b"}]},
        "tls.certificates[0] is left out, because it has no certFile",
    ),
    "a number": (
        {"stores": {"default": {"defaultCertificate": {"certFile": 1, "keyFile": "b"}}}},
        "tls.stores.default.defaultCertificate is left out, because it has no certFile",
    ),
    "another store": (
        {"certificates": [{**PAIR, "stores": ["mine"]}]},
        "tls.certificates[0].stores does not name the store default, so the certificate is left out",
    ),
    "options of another store": (
        {"stores": {"mine": {"defaultCertificate": PAIR}}},
        "tls.stores.mine has no effect",
    ),
    "no list": ({"certificates": SECRET}, "tls.certificates=PEM text is not valid"),
    "text in place of a pair": ({"certificates": [SECRET]}, "tls.certificates[0]=PEM text is not valid"),
    "an unknown option": ({"certificate": [PAIR]}, "tls.certificate is unknown"),
    "Traefik 1 without a certificate": ([{"entryPoints": ["https"]}], "tls[0] has no certificate"),
    "Traefik 1's entry points": (
        [{"entryPoints": {"a": "b"}, "certificate": PAIR}],
        "tls[0].entryPoints={'a': 'b'} is not valid",
    ),
    "no resolver": (
        {"stores": {"default": {"defaultGeneratedCert": {"domain": {"main": "a.test"}}}}},
        "tls.stores.default.defaultGeneratedCert has no effect without resolver and domain.main",
    ),
    "text": ("x", 'tls="x" is not valid'),
}


@pytest.mark.parametrize("case", NO_PAIRS)
def test_what_cannot_be_read_is_left_out_and_reported(case: str) -> None:
    tls, message = NO_PAIRS[case]
    found = decoded(tls)
    assert (found.pairs, found.certificates) == ((), ())
    assert messages(found) == [message]
    assert "c2VjcmV0" not in str(found.diagnostics)


def test_a_default_certificate_may_be_requested() -> None:
    generated = {"resolver": "le", "domain": {"main": "A.test", "sans": ["*.a.test"]}}
    found = decoded({"stores": {"default": {"defaultGeneratedCert": generated}}})
    assert found.diagnostics == ()
    assert found.certificates == (
        Certificate("default-request@file", "", "", ("a.test", "*.a.test"), resolver="le", default=True),
    )


OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {}),
    "versions": (
        {"minVersion": "VersionTLS13", "maxVersion": "versiontls13"},
        {"min_version": "VersionTLS13", "max_version": "VersionTLS13"},
    ),
    "cipher suites": (
        {"cipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"]},
        {"cipher_suites": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256")},
    ),
    "curves": ({"curvePreferences": ["CurveP521", "secp384r1"]}, {"curves": ("CurveP521", "secp384r1")}),
    "authorities alone": (
        {"clientAuth": {"caFiles": ["/a.pem", SECRET]}},
        {"client_auth": "RequireAndVerifyClientCert", "client_authorities": ("/a.pem", SECRET)},
    ),
    "authorities and a type": (
        {"clientAuth": {"caFiles": "a.pem", "clientAuthType": "VerifyClientCertIfGiven"}},
        {"client_auth": "VerifyClientCertIfGiven", "client_authorities": ("a.pem",)},
    ),
    "any certificate": (
        {"clientAuth": {"clientAuthType": "requireanyclientcert"}},
        {"client_auth": "RequireAnyClientCert"},
    ),
    "strict": ({"sniStrict": True}, {"sni_strict": True}),
    "protocols": ({"alpnProtocols": ["http/1.1", "h2"]}, {"alpn": ("http/1.1", "h2")}),
    "no tickets": ({"disableSessionTickets": "true"}, {"session_tickets": False}),
    "other letters": ({"SNISTRICT": "true"}, {"sni_strict": True}),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_are_read(case: str) -> None:
    options, expected = OPTIONS[case]
    found = decoded({"options": {"o": options}})
    assert found.tls_options == (TlsOptions("o@file", **expected),)
    assert found.keys == {"tlsOptions.o@file": "tls.options.o"}
    assert found.diagnostics == ()


def test_an_option_without_effect_is_noted() -> None:
    found = decoded({"options": {"default": {"preferServerCipherSuites": True}}})
    assert found.tls_options == (TlsOptions("default@file"),)
    assert found.tls_options[0].is_default
    assert [each.severity for each in found.diagnostics] == [Severity.NOTE]


CLOSING: dict[str, tuple[dict[str, Any], str]] = {
    "a version": ({"minVersion": "1.3"}, "minVersion is not valid"),
    "a cipher suite": ({"cipherSuites": ["TLS_RSA_WITH_AES_128_GCM"]}, "cipherSuites is not valid"),
    "a curve": ({"curvePreferences": ["P256"]}, "curvePreferences is not valid"),
    "a switch": ({"sniStrict": "perhaps"}, "sniStrict is not valid"),
    "no section": ({"clientAuth": "RequireAnyClientCert"}, "clientAuth is not valid"),
    "a type": ({"clientAuth": {"clientAuthType": "Required"}}, "clientAuthType is not valid"),
    "no authorities": (
        {"clientAuth": {"clientAuthType": "RequireAndVerifyClientCert"}},
        "clientAuthType is RequireAndVerifyClientCert, but clientAuth.caFiles is empty",
    ),
    "authorities that are none": ({"clientAuth": {"caFiles": {"a": "b"}}}, "caFiles is not valid"),
    "a misspelt option": ({"clientAuht": {"caFiles": ["a.pem"]}}, "clientAuht is unknown"),
    "a misspelt option below": ({"clientAuth": {"caFile": ["a.pem"]}}, "caFile is unknown"),
    "two faults": ({"minVersion": "1", "sniStrict": "2"}, "minVersion is not valid; sniStrict is not valid"),
}


@pytest.mark.parametrize("case", CLOSING)
def test_options_that_cannot_be_read_refuse_all_connections(case: str) -> None:
    options, reason = CLOSING[case]
    found = decoded({"options": {"o": options}})
    assert [each.unserved for each in found.tls_options] == [reason]
    assert {each.severity for each in found.diagnostics} == {Severity.ERROR}
    assert all(each.about == "TLS options o@file" for each in found.diagnostics)


def test_the_nearest_name_is_suggested() -> None:
    found = decoded({"options": {"o": {"cipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM"]}}})
    (told,) = found.diagnostics
    assert told.hint.endswith("did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?")


@pytest.mark.parametrize("name", ["a@file", "@"])
def test_options_of_another_provider_are_left_out(name: str) -> None:
    found = decoded({"options": {name: {}}})
    assert found.tls_options == ()
    assert messages(found) == [f"tls.options.{name} is left out, because a name must not contain @"]
