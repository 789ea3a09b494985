"""An engine of this test's own dies, and comes back with its containers or without them."""

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
def own(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that can be killed."""
    with Engine(request.param, live_restore=request.param == "restored") as engine:
        yield engine


def run(client: docker.DockerClient, image: str, name: str, **options: Any) -> Any:
    return client.containers.run(image, name=name, labels=labels(), detach=True, **options)


def test_a_killed_engine_keeps_its_routes_and_those_it_comes_back_with_count(own: Engine) -> None:
    with (
        closing(own.client()) as client,
        supervised(DockerProvider(DockerOptions(endpoint=own.socket_url))) as provider,
    ):
        image = import_whoami(client)
        kept = run(client, image, "kept")
        run(client, image, "again", restart_policy={"Name": "always"})
        provider.until(lambda each: names(each) == ["again", "kept"])

        own.kill()
        provider.until_failing("cannot be reached")
        assert names(provider.standing) == ["again", "kept"], "nobody said that they are gone"

        own.start_again()
        expected = ["again", "kept"] if own.live_restore else ["again"]
        provider.until(lambda each: provider.state == "ok" and names(each) == expected)
        kept.reload()
        assert (kept.status == "running") is own.live_restore

        # Events are followed again.
        run(client, image, "new")
        provider.until(lambda each: names(each) == sorted([*expected, "new"]))
        client.containers.get("again").remove(force=True)
        provider.until(lambda each: names(each) == sorted({*expected, "new"} - {"again"}))
