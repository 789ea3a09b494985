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
