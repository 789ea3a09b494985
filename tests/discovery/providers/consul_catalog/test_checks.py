"""When the state of checks is asked for, and when it is known already."""

import pytest

from discovery.consul import Client, ClosedError, QueryResult
from discovery.providers.consul_catalog.checks import CatalogueChecks
from discovery.providers.consul_catalog.inventory import Inventory
from tests.discovery.consul.test_client import client_of
from tests.lab.consul import Consul


def checks_of(reader: Client) -> CatalogueChecks:
    return CatalogueChecks(reader, Inventory(lambda service, members: []))


def test_what_is_known_of_a_later_moment_than_the_services_is_not_asked_for(consul: Consul) -> None:
    with client_of(consul) as reader:
        checks = checks_of(reader)
        checks.update(QueryResult(7, []))
    # The reader is closed: whatever it is asked for, it refuses.
    checks.refresh(7)
    checks.refresh(5)
    for index in (8, 0):
        with pytest.raises(ClosedError):
            checks.refresh(index)
