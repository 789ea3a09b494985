"""The child processes that `rondpoint up` plans, and their environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rondpoint.cli.child import ChildSpec
from rondpoint.cli.planning import make_plan


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("RONDPOINT_", "TRAEFIK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRAEFIK_API_INSECURE", "true")
    monkeypatch.setenv("RONDPOINT_REDIS_URL", "unix:///absent.sock")


def proxy_of(flags: list[str]) -> ChildSpec:
    (proxy,) = (child for child in make_plan(flags).children if child.name == "proxy")
    return proxy


def test_without_flags_the_proxy_gets_variables_of_traefik() -> None:
    assert "TRAEFIK_API_INSECURE" not in proxy_of([]).withheld


@pytest.mark.parametrize("flag", ["--providers.docker", "--workers=2"])
def test_beside_flags_variables_of_traefik_are_withheld_from_the_proxy(flag: str) -> None:
    """The proxy does not get the flags of providers, so it would take the variables as the only source."""
    assert "TRAEFIK_API_INSECURE" in proxy_of([flag]).withheld


def test_beside_a_file_variables_of_traefik_are_withheld_from_the_proxy(tmp_path: Path) -> None:
    (tmp_path / "traefik.toml").write_text("workers = 2")
    assert "TRAEFIK_API_INSECURE" in proxy_of([]).withheld
