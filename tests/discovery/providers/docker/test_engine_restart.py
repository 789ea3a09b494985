"""A Docker engine is killed, and starts again with or without its containers."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import pytest

from discovery.providers.docker import DockerProvider
from rondpoint.settings import DockerOptions
from tests.discovery.providers.docker.test_provider import labels, names
from tests.discovery.providers.supervised import supervised
from tests.lab.engine import Engine
from tests.lab.image import import_whoami


@pytest.fixture(params=["restored", "ended"])
def killable_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that the test may kill."""
    with Engine(request.param, live_restore=request.param == "restored") as engine:
        yield engine


def run(client: docker.DockerClient, image: str, name: str, **options: Any) -> Any:
    return client.containers.run(image, name=name, labels=labels(), detach=True, **options)


def test_a_killed_engines_routes_stay_until_it_lists_its_containers_again(killable_engine: Engine) -> None:
    with (
        closing(killable_engine.client()) as client,
        supervised(DockerProvider(DockerOptions(endpoint=killable_engine.socket_url))) as provider,
    ):
        image = import_whoami(client)
        kept = run(client, image, "kept")
        run(client, image, "again", restart_policy={"Name": "always"})
        provider.until(lambda each: names(each) == ["again", "kept"])

        killable_engine.kill()
        provider.until_failing("cannot be reached")
        assert names(provider.configuration) == ["again", "kept"], "no event removed them"

        killable_engine.restart()
        expected = ["again", "kept"] if killable_engine.live_restore else ["again"]
        provider.until(lambda each: provider.state == "ok" and names(each) == expected)
        kept.reload()
        assert (kept.status == "running") is killable_engine.live_restore

        # The provider follows events again.
        run(client, image, "new")
        provider.until(lambda each: names(each) == sorted([*expected, "new"]))
        client.containers.get("again").remove(force=True)
        provider.until(lambda each: names(each) == sorted({*expected, "new"} - {"again"}))
