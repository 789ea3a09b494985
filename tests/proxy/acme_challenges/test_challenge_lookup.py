"""Lookups of challenges in a store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.acme_challenges.challenge_lookup import LOOKUPS_PER_SECOND, ChallengeLookup, LookupFailedError
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab.store import Store

KEYS = Keys()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as store:
        yield store


def test_a_challenge_is_read_when_it_is_asked_for(store: Store) -> None:
    client = connect(store.url)
    clock = Clock()
    lookup = ChallengeLookup(client, KEYS.acme_challenge, clock)
    assert lookup.find("http-01 token") is None
    client.set(KEYS.acme_challenge("http-01 token"), "token.thumbprint", ex=60)
    assert lookup.find("http-01 token") == "token.thumbprint"
    client.hset(KEYS.acme_challenge("http-01 spoilt"), "a", "b")
    with pytest.raises(LookupFailedError, match="refuses"):
        lookup.find("http-01 spoilt")
    for _ in range(LOOKUPS_PER_SECOND - 3):
        assert lookup.find("http-01 other") is None
    with pytest.raises(LookupFailedError, match="too many"):
        lookup.find("http-01 token")
    clock.now += 1
    assert lookup.find("http-01 token") == "token.thumbprint"
    store.kill()
    with pytest.raises(LookupFailedError, match="cannot be reached"):
        lookup.find("http-01 token")
    client.close()
