"""Fixtures for tests of DNS-01."""

from collections.abc import Iterator

import pytest

from tests.lab.bind import Bind
from tests.lab.power_dns import PowerDns

ALIASED = "_acme-challenge.aliased.example.test."
ALIAS = "aliased.delegated.test."


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    """A name server for the zones `example.test` and `delegated.test`, to which an alias leads."""
    records = {"example.test": [f"{ALIASED} CNAME {ALIAS}"]}
    with Bind(
        tmp_path_factory.mktemp("bind"), ["example.test", "delegated.test"], records=records
    ) as running:
        yield running


@pytest.fixture(scope="session")
def power_dns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    """A name server with an HTTP API for the zone `power.test`."""
    with PowerDns(tmp_path_factory.mktemp("power-dns"), "power.test") as running:
        yield running
