"""Entry points for UDP, and options of others that they cannot have."""

from __future__ import annotations

from pathlib import Path

import pytest

from .loading import load_errors, load_settings

DNS = "--entryPoints.dns.address=:53/udp"
WEB = "--entryPoints.web.address=:80"


def test_an_entry_point_for_udp(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, [WEB, DNS]).settings
    assert {name: point.protocol for name, point in settings.entry_points.items()} == {
        "web": "tcp",
        "dns": "udp",
        "traefik": "tcp",
    }
    dns = settings.entry_points["dns"]
    assert (dns.host, dns.port, dns.udp.timeout) == ("", 53, 3.0)
    assert list(settings.udp_entry_points) == ["dns"]


def test_routers_for_http_never_take_it(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, [WEB, DNS, "--entryPoints.dns.asDefault"])
    assert loaded.settings.default_entry_points == ("web",)
    (warning,) = loaded.warnings
    assert "entryPoints.dns.asDefault has no effect" in warning.message


def test_tcp_and_udp_may_have_one_port(tmp_path: Path) -> None:
    flags = [DNS, "--entryPoints.dot.address=:53"]
    assert {"dns", "dot"} < set(load_settings(tmp_path, flags).settings.entry_points)
    (error,) = load_errors(tmp_path, [*flags, "--entryPoints.other.address=127.0.0.1:53/udp"])
    assert "dns" in error.message
    assert "other" in error.message


def test_the_timeout(tmp_path: Path) -> None:
    loaded = load_settings(
        tmp_path, traefik_yml="entryPoints: {dns: {address: ':53/udp', udp: {timeout: 500ms}}}"
    )
    assert loaded.settings.entry_points["dns"].udp.timeout == 0.5
    assert not loaded.warnings


def test_its_timeout_has_no_effect_for_tcp(tmp_path: Path) -> None:
    (warning,) = load_settings(tmp_path, [WEB, "--entryPoints.web.udp.timeout=1s"]).warnings
    assert "entryPoints.web.udp.timeout has no effect" in warning.message
    assert "entryPoints.web.address=:80/udp" in warning.hint


GUARDS = {
    "--entryPoints.dns.http.tls": "http.tls",
    "--entryPoints.dns.http.tls.options=strict": "http.tls.options",
    "--entryPoints.dns.http.middlewares=allow@file": "http.middlewares",
    "--entryPoints.dns.whiteList.sourceRange=10.0.0.0/8": "whiteList.sourceRange",
}


@pytest.mark.parametrize(("flag", "key"), GUARDS.items(), ids=GUARDS)
def test_it_refuses_what_would_guard_it(tmp_path: Path, flag: str, key: str) -> None:
    (error,) = load_errors(tmp_path, [DNS, flag])
    assert error.message == f"entryPoints.dns.{key} cannot protect an entry point for UDP"
    assert error.hint


WITHOUT_EFFECT = {
    "--entryPoints.dns.http2.maxConcurrentStreams=5": "http2.maxConcurrentStreams",
    "--entryPoints.dns.forwardedHeaders.insecure": "forwardedHeaders.insecure",
    "--entryPoints.dns.http.redirections.entryPoint.to=web": "http.redirections.entryPoint.to",
}


@pytest.mark.parametrize(("flag", "key"), WITHOUT_EFFECT.items(), ids=WITHOUT_EFFECT)
def test_other_options_have_no_effect(tmp_path: Path, flag: str, key: str) -> None:
    (warning,) = load_settings(tmp_path, [WEB, DNS, flag]).warnings
    assert warning.message == f"entryPoints.dns.{key} has no effect: the entry point is for UDP"


def test_its_grace_time_counts(tmp_path: Path) -> None:
    flags = [DNS, "--entryPoints.dns.transport.lifeCycle.graceTimeOut=33s"]
    loaded = load_settings(tmp_path, flags)
    assert loaded.settings.grace_seconds == 33
    assert not loaded.warnings


USERS = [
    "--ping.entryPoint=dns",
    "--metrics.prometheus.entryPoint=dns",
    "--entryPoints.web.http.redirections.entryPoint.to=dns",
    "--certificatesResolvers.le.acme.httpChallenge.entryPoint=dns",
]


@pytest.mark.parametrize("flag", USERS)
def test_what_needs_http_cannot_use_it(tmp_path: Path, flag: str) -> None:
    (error,) = load_errors(tmp_path, [WEB, DNS, flag])
    assert error.message == "entry point dns is for UDP"
    assert "web" in error.hint
    assert "dns" not in error.hint


def test_the_admin_entry_point_cannot_be_for_udp(tmp_path: Path) -> None:
    (error,) = load_errors(tmp_path, ["--entryPoints.traefik.address=:8080/udp"])
    assert "entry point traefik cannot be for UDP" in error.message
