"""Rondpoint's images, those of others, and the compose files that lie in the repository."""

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
    """What of the repository images are built from and compose files lie in, with wheels carried in."""
    made = tmp_path_factory.mktemp("clone")
    copy_sources(made)
    return made


@pytest.fixture(scope="session")
def images(docker_client: docker.DockerClient, whoami_image: str, clone: Path) -> dict[str, str]:
    """Rondpoint's images, by target."""
    return build(docker_client, clone)


@pytest.fixture(scope="session")
def official_images(docker_client: docker.DockerClient) -> None:
    """What the compose files of the repository name."""
    official.redis(docker_client)
    official.consul(
        docker_client,
        "hashicorp/consul:1.20",
        # The official one names a directory of its own, too.
        ["sh", "-c", 'exec consul "$@" -data-dir=/tmp/consul', "sh"],
    )
    official.whoami(docker_client)


@pytest.fixture
def usual_socket(engine: Engine) -> Iterator[None]:
    """The engine's socket also at its usual place, where compose files expect it."""
    place = Path("/var/run/docker.sock")
    actual = engine.socket_url.removeprefix("unix://")
    if actual == str(place):
        yield
        return
    assert not place.exists(), "another engine's socket is there"
    place.unlink(missing_ok=True)
    place.symlink_to(actual)
    yield
    place.unlink()


@pytest.fixture
def example(engine: Engine, clone: Path) -> Iterator[Callable[[str], Compose]]:
    """The compose project of this directory below `docs/examples`; what it brought up goes with the test."""
    made: list[Compose] = []

    def project(name: str) -> Compose:
        made.append(Compose(clone / "docs/examples" / name, engine.socket_url))
        return made[-1]

    yield project
    for each in made:
        each.down()
