"""The tutorials do what they say: their commands are run in order, and write what the pages show."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker
import pytest

from tests.lab.engine import Engine
from tests.lab.image import import_busybox
from tests.lab.tutorial import Shell, steps

DOCS = Path(__file__).parents[2] / "docs"
PROJECT = "tutorial"


@pytest.fixture
def clean(docker_client: docker.DockerClient) -> Iterator[None]:
    """Takes away what a page that was left in the middle has brought up."""
    yield
    mine = {"label": f"com.docker.compose.project={PROJECT}"}
    for container in docker_client.containers.list(all=True, filters=mine):
        container.remove(force=True)
    for network in docker_client.networks.list(filters=mine):
        network.remove()


def follow(
    page: str, directory: Path, *, at_least: int, enter: Sequence[str], environment: dict[str, str]
) -> None:
    """Do all that a page says, which is so many steps or more."""
    found = steps((DOCS / page).read_text())
    assert len(found) >= at_least
    with Shell(directory, [Path(sys.executable).parent], enter=enter, environment=environment) as shell:
        for step in found:
            shell.follow(step)
    assert not list(directory.iterdir()), "the page leaves something behind"


@pytest.mark.usefixtures("clean")
def test_containers_behind_one_address(
    short_path: Path, engine: Engine, docker_client: docker.DockerClient
) -> None:
    import_busybox(docker_client)
    follow(
        "tutorials/compose.md",
        short_path,
        at_least=35,
        enter=engine.enter,
        environment={"DOCKER_HOST": engine.socket_url},
    )
    assert not docker_client.containers.list(all=True)


def test_routes_in_files(short_path: Path) -> None:
    follow("tutorials/files.md", short_path, at_least=25, enter=("unshare", "--net"), environment={})
