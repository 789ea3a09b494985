"""A manager that is killed and started again, under the provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from discovery.providers.swarm import SwarmProvider
from rondpoint.settings import SwarmOptions
from tests.discovery.providers.supervised import supervised
from tests.lab.swarm import Swarm


def labels(router: str) -> dict[str, str]:
    return {
        f"traefik.http.routers.{router}.rule": "Host(`steady.test`)",
        "traefik.http.services.x.loadbalancer.server.port": "80",
    }


@pytest.mark.timeout(300)
def test_an_outage_of_the_manager_keeps_routes_and_its_return_is_noticed(
    swarm: Swarm, create: Callable[..., Any]
) -> None:
    steady = create("steady", labels("steady"), on="worker")
    options = SwarmOptions(endpoint=swarm.manager.socket_url, refresh_seconds=600.0, http_client_timeout=2.0)
    with supervised(SwarmProvider(options)) as running:
        running.until(lambda each: "steady@swarm" in each.routers)
        before = running.configuration
        swarm.manager.kill()
        running.until_failing("cannot be reached")
        assert running.configuration is before
        swarm.restart_manager()
        running.until_ok()
        swarm.relabel(steady, labels("later"))
        running.until(lambda each: "later@swarm" in each.routers)
