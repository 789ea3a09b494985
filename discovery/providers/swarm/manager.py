"""The part of the engine's API that only managers of a Swarm have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker.errors

from discovery.providers.docker_engine.engine import Engine
from discovery.providers.errors import ProviderError
from rondpoint.settings import EngineOptions

SETTING = "providers.swarm.endpoint"
_NO_MANAGER = "swarm manager"
"""Words of the error that an engine returns if it is no manager."""

Objects = Sequence[Mapping[str, Any]]


class Manager(Engine):
    """A client of a manager. Every method raises ProviderError."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options, SETTING)
        self._address = options.endpoint
        # The stubs of docker-py have no types for these methods.
        self._client: Any = self.client

    def services(self) -> Objects:
        """Return all services."""
        with self.faults():
            found: Objects = self._client.services()
            return found

    def service(self, service_id: str) -> Mapping[str, Any] | None:
        """Return one service; None if it does not exist (any more)."""
        with self.faults():
            try:
                found: Mapping[str, Any] = self._client.inspect_service(service_id)
            except docker.errors.NotFound:
                return None
            return found

    def tasks(self, services: Sequence[str] = (), *, wanted_only: bool = False) -> Objects:
        """Return the tasks of `services`, by default of all.

        With `wanted_only`, tasks that are to end or have ended are left out.
        """
        filters: dict[str, Any] = {"service": list(services)} if services else {}
        if wanted_only:
            filters["desired-state"] = ["running"]
        with self.faults():
            found: Objects = self._client.tasks(filters=filters)
            return found

    def nodes(self) -> Objects:
        """Return all nodes."""
        with self.faults():
            found: Objects = self._client.nodes()
            return found

    def networks(self) -> Objects:
        """Return the networks of the Swarm, without those of a single node."""
        with self.faults():
            found: Objects = self._client.networks(filters={"scope": "swarm"})
            return found

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raise errors of the client as ProviderErrors; explain what is missing if this is no manager."""
        with super().faults():
            try:
                yield
            except docker.errors.APIError as error:
                if _NO_MANAGER not in str(error.explanation):
                    raise
                raise ProviderError(
                    f"the Docker engine at {self._address} is not a manager of a Swarm",
                    f"set {SETTING} to a manager, or make this engine one with docker swarm init",
                ) from error
