"""Providers that an option closes which guards what they read, and is not served."""

import socket
from pathlib import Path

import pytest

from discovery.providers import configured
from discovery.providers.registrar import Registrar
from rondpoint.settings import load

from .supervised import supervised


def test_a_provider_whose_guard_is_not_served_connects_to_nothing_and_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        engine.settimeout(0.2)
        flags = [
            f"--docker.endpoint=tcp://127.0.0.1:{engine.getsockname()[1]}",
            "--docker.tls.ca=ca.pem",
            "--registrator",
        ]
        providers = configured(load(flags, {}, tmp_path).settings)
        assert list(providers) == ["docker", "registrator"]
        for provider in providers.values():
            with supervised(provider) as kept:
                kept.until_well()
                (told,) = kept.standing.diagnostics
            assert told.message.startswith("docker.tls is not served yet, so provider docker is closed")
        with pytest.raises(TimeoutError):
            engine.accept()


def test_a_registrar_with_an_engine_of_its_own_is_not_closed_by_the_guards_of_another(tmp_path: Path) -> None:
    flags = ["--docker", "--docker.tls.ca=ca.pem", "--registrator.docker=unix:///d.sock"]
    assert isinstance(configured(load(flags, {}, tmp_path).settings)["registrator"], Registrar)
