"""Which entry points speak TLS, in every spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.tls.model import TlsDomain

from .loading import load_settings

WEB = "--entryPoints.web.address=:80"
RESOLVER = "--entrypoints.web.http.tls.certresolver=le"

WITH_TLS = [
    [WEB, "--entryPoints.web.tls"],
    [WEB, "--entryPoints.web.tls.minVersion=VersionTLS13"],
    [WEB, "--entryPoints.web.http.tls"],
    [WEB, "--entryPoints.web.http.tls=true"],
    [WEB, RESOLVER],
    [WEB, "--entrypoints.web.http.tls.options=default"],
    [WEB, "--entrypoints.web.http.tls.domains[0].main=a.test"],
    [WEB, "--entrypoints.web.http.tls.domains[0].sans=b.test,c.test"],
    ["--entryPoints=Name:web Address::443 TLS"],
    ["--entryPoints=Name:web Address::443 TLS TLS.SniStrict:true"],
]
WITH_OPTIONS = {
    "traefik_toml": """
[entryPoints.https]
address = ":443"
[entryPoints.https.tls]
minVersion = "VersionTLS11"
cipherSuites = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384"]
sniStrict = true
[entryPoints.https.tls.clientCA]
files = ["ca.pem", "other.pem"]
optional = true
[entryPoints.https.tls.defaultCertificate]
certFile = "default.crt"
keyFile = "default.key"
[[entryPoints.https.tls.certificates]]
certFile = "a.crt"
keyFile = "a.key"
""",
    "flags": "Name:https Address::443 TLS:a.crt,a.key TLS.MinVersion:VersionTLS11 "
    "TLS.CipherSuites:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_256_GCM_SHA384 "
    "TLS.SniStrict:true CA:ca.pem,other.pem CA.Optional:true "
    "TLS.DefaultCertificate.Cert:default.crt TLS.DefaultCertificate.Key:default.key",
}
WITHOUT_TLS = [
    [WEB],
    [WEB, "--entryPoints.web.http.tls=false"],
    [WEB, RESOLVER, "--entryPoints.web.http.tls=false"],
    [WEB, "--entryPoints.web.http.tls=false", RESOLVER],
    [WEB, "--entryPoints.web.http.middlewares=tls@file"],
    ["--entryPoints=Name:web Address::443"],
]
FILES = {
    "traefik_yml": [
        "entryPoints: {web: {address: ':443', http: {tls: {}}}}",
        "entryPoints: {web: {address: ':443', http: {tls: {certResolver: le, domains: [{main: a.test}]}}}}",
    ],
    "traefik_toml": [
        "[entryPoints.web]\naddress = ':443'\n[entryPoints.web.tls]\n",
        "[entryPoints.web]\naddress = ':443'\n[entryPoints.web.tls]\n"
        "[entryPoints.web.tls.defaultCertificate]\ncertFile = 'a.pem'\nkeyFile = 'a.pem'\n",
    ],
}


@pytest.mark.parametrize("flags", WITH_TLS, ids=" ".join)
def test_tls_needs_no_certificates(tmp_path: Path, flags: list[str]) -> None:
    settings = load_settings(tmp_path, flags).settings
    tls = settings.entry_points["web"].tls
    assert tls is not None
    assert tls.certificates == ()
    assert settings.tls_entry_points == {"web"}


@pytest.mark.parametrize("flags", WITHOUT_TLS, ids=" ".join)
def test_tls_must_be_set(tmp_path: Path, flags: list[str]) -> None:
    assert load_settings(tmp_path, flags).settings.tls_entry_points == frozenset()


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FILES.items() for text in texts])
def test_tls_in_files_needs_no_certificates(tmp_path: Path, name: str, text: str) -> None:
    assert load_settings(tmp_path, **{name: text}).settings.tls_entry_points == {"web"}


@pytest.mark.parametrize("source", WITH_OPTIONS)
def test_options_of_traefik_1(tmp_path: Path, source: str) -> None:
    text = WITH_OPTIONS[source]
    loaded = (
        load_settings(tmp_path, [f"--entryPoints={text}"])
        if source == "flags"
        else load_settings(tmp_path, traefik_toml=text)
    )
    assert loaded.warnings == ()
    tls = loaded.settings.entry_points["https"].tls
    assert tls is not None
    assert (tls.min_version, tls.sni_strict) == ("VersionTLS11", True)
    assert tls.cipher_suites == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384")
    assert [each.name for each in tls.client_authority_files] == ["ca.pem", "other.pem"]
    assert tls.client_ca is not None
    assert tls.client_ca.optional
    assert [pair.cert_file.name for pair in tls.pairs] == ["default.crt", "a.crt"]


def test_the_old_spelling_of_authorities_counts_without_the_new_one(tmp_path: Path) -> None:
    old = "--entryPoints.web.tls.clientCAFiles=old.pem"
    for flags, names in (([old], ["old.pem"]), ([old, "--entryPoints.web.tls.clientCA.files=b"], ["b"])):
        tls = load_settings(tmp_path, [WEB, *flags]).settings.entry_points["web"].tls
        assert tls is not None
        assert [each.name for each in tls.client_authority_files] == names


def test_tls_options_of_an_entry_point(tmp_path: Path) -> None:
    flags = [WEB, "--entryPoints.web.http.tls.options=strict@file", "--entryPoints.a.address=:1"]
    loaded = load_settings(tmp_path, [*flags, "--entryPoints.b.address=:2", "--entryPoints.b.tls"])
    assert loaded.settings.tls_options == {"web": "strict@file", "b": ""}
    assert loaded.warnings == ()


def test_the_variables_of_a_resolver_switch_tls_on(tmp_path: Path) -> None:
    environ = {
        "RONDPOINT_ENTRYPOINTS_WEB_HTTP_TLS_CERTRESOLVER": "le",
        "RONDPOINT_ENTRYPOINTS_WEB_HTTP_TLS_DOMAINS_0_MAIN": "a.test",
    }
    result = load_settings(tmp_path, [WEB], environ)
    assert result.settings.tls_entry_points == {"web"}
    tls = result.settings.entry_points["web"].http.tls
    assert tls is not None
    assert (tls.cert_resolver, tls.domains) == ("le", (TlsDomain("a.test"),))


def test_certificates_of_one_s_own_stay(tmp_path: Path) -> None:
    result = load_settings(tmp_path, [WEB, RESOLVER, "--entryPoints.web.tls.certificates=a.pem,b.pem"])
    tls = result.settings.entry_points["web"].tls
    assert tls is not None
    assert [str(pair.key_file) for pair in tls.certificates] == ["b.pem"]


def test_a_description_of_traefik_1_may_have_certificates(tmp_path: Path) -> None:
    text = "Name:web Address::443 TLS:a.crt,a.key;b.crt,b.key"
    tls = load_settings(tmp_path, [f"--entryPoints={text}"]).settings.entry_points["web"].tls
    assert tls is not None
    assert [str(pair.cert_file) for pair in tls.certificates] == ["a.crt", "b.crt"]


def test_an_unknown_resolver_is_named_with_the_certificate_that_clients_get(tmp_path: Path) -> None:
    (fault,) = load_settings(tmp_path, [WEB, RESOLVER]).warnings
    assert fault.subject == f"flag {RESOLVER.partition('=')[0]}"
    assert "there is no certificates resolver le, so clients get" in fault.message
