"""The checks are read only if the known ones are older than the services."""

import pytest

from discovery.consul import Client, ClosedError, QueryResult
from discovery.providers.consul_catalog.checks import CatalogueChecks
from discovery.providers.tagged_services.inventory import Inventory
from tests.discovery.consul.test_client import client_of
from tests.lab.consul import Consul


def checks_of(reader: Client) -> CatalogueChecks:
    return CatalogueChecks(reader, Inventory(lambda service, members: [], "consulcatalog", "Consul"))


def test_checks_that_are_newer_than_the_services_are_not_read_again(consul: Consul) -> None:
    with client_of(consul) as reader:
        checks = checks_of(reader)
        checks.update(QueryResult(7, []))
    # The reader is closed, so every read raises ClosedError.
    checks.refresh(7)
    checks.refresh(5)
    for index in (8, 0):
        with pytest.raises(ClosedError):
            checks.refresh(index)
