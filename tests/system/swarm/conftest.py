"""The Swarm of the tests in this folder; one process runs them, so it starts once."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from docker.errors import NotFound

from tests.lab.processes import Processes
from tests.lab.swarm import Swarm


@pytest.fixture(scope="package")
def swarm() -> Iterator[Swarm]:
    """Two engines in one Swarm, with a gateway in its overlay network."""
    with Swarm() as running:
        yield running


@pytest.fixture(scope="module")
def create(swarm: Swarm) -> Iterator[Callable[..., Any]]:
    """Creates services, with the arguments of `Swarm.create`; removed after the tests of the file."""
    created: list[Any] = []

    def create(*arguments: Any, **options: Any) -> Any:
        created.append(swarm.create(*arguments, **options))
        return created[-1]

    yield create
    for service in created:
        with suppress(NotFound):
            service.remove()


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    """Starts programs that run until the tests of the file have ended."""
    started = Processes()
    yield started
    started.stop()
