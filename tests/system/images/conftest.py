"""Fixtures: Rondpoint's images, official images, and the compose files of the repository."""

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.lab import official
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.product import build, copy_sources


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's sources and compose files, with wheels of the dependencies."""
    directory = tmp_path_factory.mktemp("clone")
    copy_sources(directory)
    return directory


@pytest.fixture(scope="session")
def images(docker_client: docker.DockerClient, whoami_image: str, clone: Path) -> dict[str, str]:
    """The names of Rondpoint's images by target."""
    return build(docker_client, clone)


@pytest.fixture(scope="session")
def official_images(docker_client: docker.DockerClient) -> None:
    """The other images in the compose files of the repository."""
    official.redis(docker_client)
    official.consul(
        docker_client,
        "hashicorp/consul:1.20",
        # The official image sets a data directory, too.
        ["sh", "-c", 'exec consul "$@" -data-dir=/tmp/consul', "sh"],
    )
    official.whoami(docker_client)


@pytest.fixture
def usual_socket(engine: Engine) -> Iterator[None]:
    """A link to the engine's socket at /var/run/docker.sock, where compose files expect it."""
    usual = Path("/var/run/docker.sock")
    actual = engine.socket_url.removeprefix("unix://")
    if actual == str(usual):
        yield
        return
    assert not usual.exists(), "there is another engine's socket"
    usual.unlink(missing_ok=True)
    usual.symlink_to(actual)
    yield
    usual.unlink()


@pytest.fixture
def example(engine: Engine, clone: Path) -> Iterator[Callable[[str], Compose]]:
    """Creates the compose project of a directory below `docs/examples`; removed after the test."""
    projects: list[Compose] = []

    def project(name: str) -> Compose:
        projects.append(Compose(clone / "docs/examples" / name, engine.socket_url))
        return projects[-1]

    yield project
    for each in projects:
        each.down()
