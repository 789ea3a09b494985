"""Holds the services that the running containers are to be registered as."""

from __future__ import annotations

from discovery.registrar.registration import Registration
from discovery.registrar.registrations import SOURCE, ContainerServices
from rondpoint.diagnostics import Diagnostic, Severity


class WantedServices:
    """The wanted services by container."""

    def __init__(self) -> None:
        self._containers: dict[str, tuple[str, ContainerServices]] = {}

    def __contains__(self, container_id: str) -> bool:
        return container_id in self._containers

    def ids(self) -> list[str]:
        """Return the ids of all containers."""
        return list(self._containers)

    def put(self, container_id: str, name: str, services: ContainerServices) -> None:
        self._containers[container_id] = (name, services)

    def remove(self, container_id: str) -> None:
        """Remove a container; an unknown id is ignored."""
        self._containers.pop(container_id, None)

    def registrations(self) -> dict[str, Registration]:
        """Return the wanted services by id. If two containers claim an id, the first by name gets it."""
        found: dict[str, Registration] = {}
        for _, services in self._by_name():
            for registration in services.registrations:
                found.setdefault(registration.id, registration)
        return found

    def diagnostics(self) -> list[Diagnostic]:
        """Return the diagnostics of all containers, sorted by container name."""
        owners: dict[str, str] = {}
        diagnostics: list[Diagnostic] = []
        for name, services in self._by_name():
            diagnostics += services.diagnostics
            for registration in services.registrations:
                owner = owners.setdefault(registration.id, name)
                if owner != name:
                    message = f"SERVICE_ID={registration.id} is given to container {owner}, too"
                    hint = "this container's service is not registered: give each an id of its own"
                    diagnostics.append(
                        Diagnostic(Severity.WARNING, SOURCE, f"container {name}", message, hint)
                    )
        return diagnostics

    def _by_name(self) -> list[tuple[str, ContainerServices]]:
        return sorted(self._containers.values(), key=lambda each: each[0])
