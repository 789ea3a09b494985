"""The local copy of the last configuration."""

from __future__ import annotations

from pathlib import Path

from proxy.configuration.snapshot import load, save
from rondpoint.model import Middleware, Router, Service
from rondpoint.rules import v3
from rondpoint.rules.expression import Match, Rule
from rondpoint.store.sections import SECTIONS
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService


def test_all_sections_are_saved_and_loaded(tmp_path: Path) -> None:
    state = State(
        7,
        {"r": Router("r", v3.parse("Host(`h.test`)"), "s", 1)},
        {"s": Service("s")},
        {"m": Middleware("m", "compress")},
        {"strict@file": TlsOptions("strict@file")},
        {"ab@file": Certificate("ab@file", "CHAIN", "KEY")},
        {"t": TcpRouter("t", Rule("HostSNI(`*`)", Match("HostSNI", ("*",))), "s", 1)},
        {"s": TcpService("s", (TcpServer("a", "10.0.0.1", 5432),), transport=TcpServersTransport("x@file"))},
        {"m": Middleware("m", "ipAllowList")},
        {"u": UdpRouter("u", "s")},
        {"s": UdpService("s", (UdpServer("a", "10.0.0.1", 53),))},
    )
    assert all(getattr(state, name) for name in SECTIONS)
    path = tmp_path / "state" / "configuration.jsonl"
    save(path, state)
    assert load(path) == state
    assert path.stat().st_mode & 0o077 == 0
