"""Providers that are closed because one of their security options is not supported."""

import socket
from pathlib import Path

import pytest

from discovery.providers import configured_providers
from discovery.providers.registrar import Registrar
from rondpoint.settings import load

from .supervised import supervised


def test_a_closed_provider_connects_to_nothing_and_reports_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        engine.settimeout(0.2)
        flags = [
            f"--docker.endpoint=tcp://127.0.0.1:{engine.getsockname()[1]}",
            "--docker.filename=docker.tmpl",
            "--registrator",
        ]
        providers = configured_providers(load(flags, {}, tmp_path).settings)
        assert list(providers) == ["docker", "registrator"]
        for provider in providers.values():
            with supervised(provider) as running:
                running.until_ok()
                (diagnostic,) = running.configuration.diagnostics
            assert diagnostic.message.startswith(
                "docker.filename is not served yet, so provider docker is closed"
            )
        with pytest.raises(TimeoutError):
            engine.accept()


def test_a_registrar_with_its_own_engine_stays_open_if_the_docker_provider_is_closed(tmp_path: Path) -> None:
    flags = ["--docker", "--docker.filename=docker.tmpl", "--registrator.docker=unix:///d.sock"]
    assert isinstance(configured_providers(load(flags, {}, tmp_path).settings)["registrator"], Registrar)
