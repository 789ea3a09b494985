import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab.store import Store


@pytest.fixture(scope="session", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A separate server for these tests, because they empty it."""
    with (
        tempfile.TemporaryDirectory(prefix="rp-") as directory,
        Store(Path(directory), request.param) as store,
    ):
        yield store


@pytest.fixture
def client(server: Store) -> Iterator[redis.Redis]:
    with connect(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def keys() -> Keys:
    return Keys("test")
