"""Others' images under their official names, made of what this machine has installed."""

import json
import tarfile
import tempfile
from pathlib import Path

import docker

from tests.lab.consul import program
from tests.lab.debian import file_system
from tests.lab.image import import_whoami

BASE = ("base-files", "base-passwd", "dash", "libc6")
PATH = "ENV PATH=/usr/bin:/bin"


def redis(client: docker.DockerClient) -> None:
    """`redis:7-alpine`, with protected mode off as in the official one, whose network is its guard."""
    entry = ["sh", "-c", 'exec "$@" --protected-mode no', "sh"]
    _import(client, "redis:7-alpine", ("redis-server",), (), entry)


def consul(client: docker.DockerClient, name: str, entry: list[str]) -> None:
    """Consul, started by `entry` and the container's command."""
    _import(client, name, (), (Path(program()),), entry)


def whoami(client: docker.DockerClient) -> None:
    """`traefik/whoami`, or what answers in its place."""
    client.images.get(import_whoami(client)).tag("traefik/whoami", "latest")


def _import(
    client: docker.DockerClient,
    name: str,
    packages: tuple[str, ...],
    programs: tuple[Path, ...],
    entry: list[str],
) -> None:
    repository, _, tag = name.partition(":")
    with tempfile.TemporaryDirectory(prefix="rp-") as directory:
        archive = Path(directory) / "image.tar"
        file_system((*BASE, *packages), archive)
        with tarfile.open(archive, "a") as opened:
            for each in programs:
                opened.add(each, arcname=f"usr/bin/{each.name}")
        changes = [PATH, f"ENTRYPOINT {json.dumps(entry)}"]
        client.api.import_image_from_file(
            str(archive), repository=repository, tag=tag or "latest", changes=changes
        )
