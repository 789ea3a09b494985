"""The tutorials do what they say: their commands are run in order, and write what the pages show."""

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
# A page is many commands, each a start of Python, and the machine may be busy.
pytestmark = pytest.mark.timeout(600)

COMPOSED = {"label": "com.docker.compose.project=tutorial"}


@pytest.fixture
def containers(docker_client: docker.DockerClient) -> Iterator[Callable[[], list[Container]]]:
    """The pages' containers; those of a page that was left in the middle are taken away after it."""

    def there() -> list[Container]:
        filters: list[dict[str, str]] = [COMPOSED, {"name": "^/old$"}]
        return [
            each for wanted in filters for each in docker_client.containers.list(all=True, filters=wanted)
        ]

    import_busybox(docker_client)
    yield there
    for container in there():
        container.remove(force=True)
    for network in docker_client.networks.list(filters=COMPOSED):
        network.remove()


def follow(page: str, directory: Path, *, at_least: int, enter: Sequence[str], **environment: str) -> None:
    """Do all that a page says, which is so many steps or more."""
    found = steps((DOCS / page).read_text())
    assert len(found) >= at_least
    with Shell(directory, [Path(sys.executable).parent], enter=enter, environment=environment) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(directory.iterdir()), "the page leaves something behind"


def test_routes_in_files(short_path: Path) -> None:
    follow("tutorials/files.md", short_path, at_least=25, enter=("unshare", "--net"))


@pytest.mark.parametrize(("page", "at_least"), [("tutorials/compose.md", 35), ("migration.md", 35)])
def test_containers(
    page: str, at_least: int, short_path: Path, engine: Engine, containers: Callable[[], list[Container]]
) -> None:
    follow(page, short_path, at_least=at_least, enter=engine.enter, DOCKER_HOST=engine.socket_url)
    assert not containers(), "the page leaves something behind"
