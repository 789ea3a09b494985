"""The commands of docs/consul.md work as described."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound

from tests.lab.consul import program
from tests.lab.engine import Engine
from tests.lab.image import import_busybox
from tests.lab.tutorial import Shell, steps

PAGE = Path(__file__).parents[2] / "docs/consul.md"


@pytest.fixture
def clean(docker_client: docker.DockerClient) -> Iterator[None]:
    """Removes the page's containers if its commands did not."""
    import_busybox(docker_client)
    yield
    for name in ("web", "shop"):
        with suppress(NotFound):
            docker_client.containers.get(name).remove(force=True)


@pytest.mark.usefixtures("clean")
def test_the_commands_of_the_tutorial_work_as_described(short_path: Path, engine: Engine) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 40
    path = [Path(sys.executable).parent, Path(program()).parent]
    environment = {"DOCKER_HOST": engine.socket_url}
    with Shell(short_path, path, enter=engine.enter, environment=environment) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(short_path.iterdir()), "the page leaves something behind"
