"""Defaults, and settings that depend on other settings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rondpoint.settings import Settings

from .loading import load_errors, load_settings


def _addresses(settings: Settings) -> dict[str, str]:
    return {name: point.address for name, point in settings.entry_points.items()}


def test_by_default_web_is_on_8000_and_admin_on_loopback(tmp_path: Path) -> None:
    settings = load_settings(tmp_path).settings
    assert _addresses(settings) == {"web": ":8000", "traefik": "127.0.0.1:8080"}
    assert _addresses(Settings()) == _addresses(settings)
    assert settings.redis.url is None
    assert settings.workers == len(os.sched_getaffinity(0))


def test_time_outs_are_traefik_3s(tmp_path: Path) -> None:
    settings = load_settings(tmp_path).settings
    transport = settings.entry_points["web"].transport
    upstream = settings.servers_transport.forwarding_timeouts
    assert transport.responding_timeouts.read_timeout == 60
    assert transport.responding_timeouts.write_timeout == 0
    assert transport.responding_timeouts.idle_timeout == 180
    assert transport.life_cycle.grace_time_out == 10
    assert (upstream.dial_timeout, upstream.response_header_timeout, upstream.idle_conn_timeout) == (
        30,
        0,
        90,
    )


ENTRY_POINTS = {
    "an entry point of the user replaces web": (
        ["--entryPoints.http.address=:80"],
        {"http": ":80", "traefik": "127.0.0.1:8080"},
    ),
    "setting only the admin entry point keeps web": (
        ["--entryPoints.traefik.address=:9000"],
        {"web": ":8000", "traefik": ":9000"},
    ),
    "--web opens the admin entry point": (["--web"], {"web": ":8000", "traefik": ":8080"}),
    "--api.insecure opens the admin entry point": (["--api.insecure"], {"web": ":8000", "traefik": ":8080"}),
    "but not if its address is set": (
        ["--api.insecure", "--entryPoints.traefik.address=127.0.0.1:9000"],
        {"web": ":8000", "traefik": "127.0.0.1:9000"},
    ),
    "web keeps its address beside others": (
        ["--entryPoints.web.asDefault", "--entryPoints.other.address=:81"],
        {"web": ":8000", "other": ":81", "traefik": "127.0.0.1:8080"},
    ),
    "webAddress moves web, as the images do": (
        ["--webAddress=:80"],
        {"web": ":80", "traefik": "127.0.0.1:8080"},
    ),
    "webAddress moves Traefik 1's http too": (
        ["--webAddress=:80", "--defaultEntryPoints=http"],
        {"http": ":80", "traefik": "127.0.0.1:8080"},
    ),
    "but not if web has its own address": (
        ["--webAddress=:80", "--entryPoints.web.address=:81"],
        {"web": ":81", "traefik": "127.0.0.1:8080"},
    ),
}


@pytest.mark.parametrize(("flags", "addresses"), ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_entry_points(tmp_path: Path, flags: list[str], addresses: dict[str, str]) -> None:
    assert _addresses(load_settings(tmp_path, flags).settings) == addresses


def test_routers_without_entry_points_use_those_with_as_default_or_all(tmp_path: Path) -> None:
    flags = ["--entryPoints.a.address=:81", "--entryPoints.b.address=:82"]
    assert load_settings(tmp_path, flags).settings.default_entry_points == ("a", "b")
    assert load_settings(tmp_path, [*flags, "--entryPoints.b.asDefault"]).settings.default_entry_points == (
        "b",
    )


def test_docker_is_on_if_docker_host_is_set_and_no_provider_is_named(tmp_path: Path) -> None:
    docker = load_settings(tmp_path, [], {"DOCKER_HOST": "tcp://10.0.0.1:2375"}).settings.providers.docker
    assert docker is not None
    assert docker.endpoint == "tcp://10.0.0.1:2375"


@pytest.mark.parametrize(
    "flag",
    ["--providers.file.filename=r.toml", "--consulCatalog", "--providers.docker=false", "--providers.swarm"],
)
def test_docker_is_off_if_another_provider_is_named(tmp_path: Path, flag: str) -> None:
    flags = [flag, "--providers.file.filename=r.toml"]
    assert (
        load_settings(tmp_path, flags, {"DOCKER_HOST": "tcp://10.0.0.1:2375"}).settings.providers.docker
        is None
    )


def test_an_unserved_provider_alone_keeps_docker_off_too(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, ["--boltdb"], {"DOCKER_HOST": "tcp://10.0.0.1:2375"}).settings
    assert settings.providers.docker is None


def test_an_explicit_endpoint_wins_over_docker_host(tmp_path: Path) -> None:
    flags = ["--providers.docker.endpoint=unix:///d.sock"]
    docker = load_settings(tmp_path, flags, {"DOCKER_HOST": "tcp://10.0.0.1:2375"}).settings.providers.docker
    assert docker is not None
    assert docker.endpoint == "unix:///d.sock"


def test_docker_host_is_the_endpoint_of_swarm_too(tmp_path: Path) -> None:
    swarm = load_settings(
        tmp_path, ["--providers.swarm"], {"DOCKER_HOST": "tcp://m:1"}
    ).settings.providers.swarm
    assert swarm is not None
    assert swarm.endpoint == "tcp://m:1"


def test_a_directory_of_routes_wins_over_a_file_with_a_warning(tmp_path: Path) -> None:
    result = load_settings(tmp_path, ["--providers.file.filename=a.toml", "--providers.file.directory=d"])
    assert result.settings.providers.file is not None
    assert result.settings.providers.file.filename is None
    assert [warning.subject for warning in result.warnings] == ["flag --providers.file.filename"]


def test_a_file_provider_without_a_file_is_refused(tmp_path: Path) -> None:
    (diagnostic,) = load_errors(tmp_path, ["--providers.file"])
    assert "no file to read" in diagnostic.message


def test_two_entry_points_on_one_port_are_refused(tmp_path: Path) -> None:
    flags = ["--entryPoints.a.address=127.0.0.1:81", "--entryPoints.b.address=:81"]
    (diagnostic,) = load_errors(tmp_path, flags)
    assert diagnostic.subject == "flag --entryPoints.b.address"
    assert "a (127.0.0.1:81) and b (:81) use one port" in diagnostic.message


def test_the_admin_entry_point_leaves_its_port_to_others(tmp_path: Path) -> None:
    flags = ["--entryPoints.ping.address=:8080", "--entryPoints.b.address=10.0.0.1:8081", "--api.insecure"]
    loaded = load_settings(tmp_path, flags)
    assert loaded.settings.entry_points["traefik"].address == ":8082"
    (found,) = loaded.warnings
    assert found.subject == "entryPoints.traefik.address"
    assert found.message.startswith("the admin entry point listens on :8082, because entry point ping")


def test_an_address_of_the_admin_entry_point_that_is_written_may_clash(tmp_path: Path) -> None:
    flags = ["--entryPoints.ping.address=:8080", "--entryPoints.traefik.address=:8080"]
    (diagnostic,) = load_errors(tmp_path, flags)
    assert "ping (:8080) and traefik (:8080) use one port" in diagnostic.message


def test_an_address_of_one_interface_does_not_clash_with_another(tmp_path: Path) -> None:
    flags = ["--entryPoints.a.address=127.0.0.1:81", "--entryPoints.b.address=[::1]:81"]
    assert len(load_settings(tmp_path, flags).settings.web_entry_points) == 2


def test_file_parsers_are_not_imported_without_a_file(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from rondpoint.settings import load\n"
        "load(['--docker', '--web'], {}, Path(sys.argv[1]))\n"
        "print(sorted({'yaml', 'tomllib', 'requests', 'docker', 'click'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_docker_socket_switches_docker_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The default path may exist on this machine, so the test uses another one.
    path = tmp_path / "docker.sock"
    monkeypatch.setattr("rondpoint.settings.derive._DOCKER_SOCKET", path)
    assert load_settings(tmp_path).settings.providers.docker is None
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        assert load_settings(tmp_path).settings.providers.docker is not None
