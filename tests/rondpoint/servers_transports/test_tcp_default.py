"""The transport of TCP services that name none."""

from __future__ import annotations

from pathlib import Path

from rondpoint.model import ServersTransport
from rondpoint.servers_transports.tcp_default import default_tcp_transport
from rondpoint.tcp.model import TcpServersTransport
from tests.rondpoint.settings.loading import load_settings


def of_flags(directory: Path, *flags: str) -> TcpServersTransport | None:
    loaded = load_settings(directory, flags)
    assert loaded.warnings == ()
    return default_tcp_transport(loaded.settings)


def test_without_settings_there_is_none(tmp_path: Path) -> None:
    assert of_flags(tmp_path) is None
    assert of_flags(tmp_path, "--tcpServersTransport.dialKeepAlive=0") is None


def test_all_settings_are_taken(tmp_path: Path) -> None:
    found = of_flags(
        tmp_path,
        "--tcpServersTransport.dialTimeout=3s",
        "--tcpServersTransport.dialKeepAlive=-1s",
        "--tcpServersTransport.terminationDelay=-1",
        "--tcpServersTransport.tls.insecureSkipVerify=true",
        "--tcpServersTransport.tls.rootCAs=/ca.pem",
    )
    tls = ServersTransport("", insecure_skip_verify=True, root_cas=("/ca.pem",))
    assert found == TcpServersTransport(
        "", dial_timeout=3.0, dial_keep_alive=-1.0, termination_delay=-1.0, tls=tls
    )


def test_a_file_has_them_too_and_what_is_not_served_is_told(tmp_path: Path) -> None:
    text = "tcpServersTransport:\n  terminationDelay: 250ms\n  tls:\n    spiffe: {ids: [a]}\n"
    loaded = load_settings(tmp_path, traefik_yml=text)
    found = default_tcp_transport(loaded.settings)
    assert found == TcpServersTransport("", termination_delay=0.25)
    (warning,) = loaded.warnings
    assert "tcpServersTransport.tls.spiffe is not served yet" in warning.message
