"""Builds images with official names from the programs of this machine."""

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
    """Import `redis:7-alpine`, with protected mode off, as in the official image: its network protects it."""
    entry = ["sh", "-c", 'exec "$@" --protected-mode no', "sh"]
    _import(client, "redis:7-alpine", ("redis-server",), (), entry)


def consul(client: docker.DockerClient, name: str, entry: list[str]) -> None:
    """Import Consul, started by `entry` and the container's command."""
    _import(client, name, (), (Path(program()),), entry)


def whoami(client: docker.DockerClient) -> None:
    """Import the lab's server as `traefik/whoami`."""
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
        with tarfile.open(archive, "a") as tar:
            for program_path in programs:
                tar.add(program_path, arcname=f"usr/bin/{program_path.name}")
        changes = [PATH, f"ENTRYPOINT {json.dumps(entry)}"]
        client.api.import_image_from_file(
            str(archive), repository=repository, tag=tag or "latest", changes=changes
        )
