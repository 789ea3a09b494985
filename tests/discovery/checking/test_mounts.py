"""Mounts of a compose file: paths of the container and of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from discovery.checking.mounts import Mounts, read_mounts

BASE = Path("deploy")


def mounts_of(text: str, environ: dict[str, str] | None = None) -> Mounts:
    tree: Any = yaml.safe_load(text)
    return read_mounts(tree, tree, BASE, environ or {}, lambda key: int(key[1][1:-1]) + 1)


@pytest.mark.parametrize(
    ("volume", "inside", "source"),
    [
        ("./t.toml:/t.toml", "/t.toml", "deploy/t.toml"),
        ("./t.toml:/t.toml:ro,z", "/t.toml", "deploy/t.toml"),
        ("$PWD/t.toml:/t.toml", "/t.toml", "deploy/t.toml"),
        ("${PWD}/t.toml:/t.toml", "/t.toml", "deploy/t.toml"),
        ("../t:/etc/traefik/", "/etc/traefik/traefik.yml", "t/traefik.yml"),
        ("${DIR:-.}/t:/etc/traefik", "/etc/traefik/../traefik/a/b.yml", "deploy/t/a/b.yml"),
        ("/etc/t:/t", "/t", "/etc/t"),
        ("~nobody-of-that-name/t:/t", "/t", "deploy/~nobody-of-that-name/t"),
        ("named:/t", "/t/a.yml", None),
        ("/t", "/t/a.yml", None),
        ("./t:/t", "/tt", None),
        ("{type: bind, source: ./t, target: /t, read_only: true}", "/t", "deploy/t"),
        ("{type: bind, src: $PWD/t, destination: /t}", "/t", "deploy/t"),
        ("{type: volume, source: t, target: /t}", "/t", None),
        ("{type: tmpfs, target: /t}", "/t", None),
        ("17", "/t", None),
    ],
)
def test_a_path_of_the_container_maps_to_a_path_of_this_machine(
    volume: str, inside: str, source: str | None
) -> None:
    text = f"volumes: [{volume!r}]" if volume[0] != "{" else f"volumes: [{volume}]"
    assert mounts_of(text).local_path(Path(inside)) == (None if source is None else Path(source))


def test_the_innermost_mount_wins_and_has_its_line() -> None:
    mounts = mounts_of("volumes: ['./a:/t', 'named:/t/b', './c:/t/b/c.yml']")
    paths = {inside: mounts.local_path(Path(inside)) for inside in ("/t/x", "/t/b/x", "/t/b/c.yml")}
    assert paths == {"/t/x": Path("deploy/a/x"), "/t/b/x": None, "/t/b/c.yml": Path("deploy/c")}
    mount = mounts.find(Path("/t/b/c.yml"))
    assert mount is not None
    assert mount.line == 3


@pytest.mark.parametrize(
    ("service", "inside"), [("- conf", "/conf"), ("- {source: conf, target: /etc/t.yml}", "/etc/t.yml")]
)
def test_configs_with_a_file_are_mounted(service: str, inside: str) -> None:
    # Both the service and the whole file have the key `configs`.
    tree: Any = {"configs": yaml.safe_load(service)}
    mounts = read_mounts(tree, {"configs": {"conf": {"file": "./t.yml"}}}, BASE, {}, lambda _: 1)
    assert mounts.local_path(Path(inside)) == Path("deploy/t.yml")
    mounts = read_mounts(tree, {"configs": {"conf": {"content": "a: b"}}}, BASE, {}, lambda _: 1)
    assert mounts.local_path(Path(inside)) is None
