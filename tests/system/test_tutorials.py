"""The tutorials work as described: their commands run in order and write the output of the pages."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from tests.lab.engine import Engine
from tests.lab.image import import_busybox
from tests.lab.tutorial import Shell, steps

DOCS = Path(__file__).parents[2] / "docs"
# A page has many commands, each of which starts Python, and the machine may be busy.
pytestmark = pytest.mark.timeout(600)

COMPOSE_FILTER = {"label": "com.docker.compose.project=tutorial"}


@pytest.fixture
def containers(docker_client: docker.DockerClient) -> Iterator[Callable[[], list[Container]]]:
    """Returns the containers of a page; remaining ones are removed after the test."""

    def remaining() -> list[Container]:
        filters: list[dict[str, str]] = [COMPOSE_FILTER, {"name": "^/old$"}]
        return [
            each
            for each_filter in filters
            for each in docker_client.containers.list(all=True, filters=each_filter)
        ]

    import_busybox(docker_client)
    yield remaining
    for container in remaining():
        container.remove(force=True)
    for network in docker_client.networks.list(filters=COMPOSE_FILTER):
        network.remove()


def run_page(page: str, directory: Path, *, at_least: int, enter: Sequence[str], **environment: str) -> None:
    """Run all steps of a page, which has `at_least` steps."""
    found = steps((DOCS / page).read_text())
    assert len(found) >= at_least
    with Shell(directory, [Path(sys.executable).parent], enter=enter, environment=environment) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(directory.iterdir()), "the page leaves something behind"


def test_routes_in_files(short_path: Path) -> None:
    run_page("tutorials/files.md", short_path, at_least=25, enter=("unshare", "--net"))


def test_a_middleware_in_python(short_path: Path) -> None:
    # The page's own tests run without a plugin that only this project's environment has, and cannot load.
    run_page(
        "tutorials/middleware.md",
        short_path,
        at_least=23,
        enter=("unshare", "--net"),
        PYTEST_ADDOPTS="-p no:kmock",
    )


@pytest.mark.parametrize(("page", "at_least"), [("tutorials/compose.md", 35), ("migration.md", 35)])
def test_containers(
    page: str, at_least: int, short_path: Path, engine: Engine, containers: Callable[[], list[Container]]
) -> None:
    run_page(page, short_path, at_least=at_least, enter=engine.enter, DOCKER_HOST=engine.socket_url)
    assert not containers(), "the page leaves something behind"
