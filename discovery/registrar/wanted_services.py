"""What the containers that are there want to be registered as."""

from __future__ import annotations

from discovery.registrar.registration import Registration
from discovery.registrar.registrations import SOURCE, ContainerServices
from rondpoint.diagnostics import Diagnostic, Severity


class WantedServices:
    """Containers by id, each with its name and what was read of it."""

    def __init__(self) -> None:
        self._containers: dict[str, tuple[str, ContainerServices]] = {}

    def __contains__(self, container_id: str) -> bool:
        return container_id in self._containers

    def ids(self) -> list[str]:
        return list(self._containers)

    def put(self, container_id: str, name: str, read: ContainerServices) -> None:
        self._containers[container_id] = (name, read)

    def remove(self, container_id: str) -> None:
        """Take it out; one that is not there is no fault."""
        self._containers.pop(container_id, None)

    def registrations(self) -> dict[str, Registration]:
        """By id; of two containers with one id, the first by name has it."""
        found: dict[str, Registration] = {}
        for _, read in self._by_name():
            for registration in read.registrations:
                found.setdefault(registration.id, registration)
        return found

    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong, by name of container."""
        holders: dict[str, str] = {}
        said: list[Diagnostic] = []
        for name, read in self._by_name():
            said += read.diagnostics
            for registration in read.registrations:
                holder = holders.setdefault(registration.id, name)
                if holder != name:
                    message = f"SERVICE_ID={registration.id} is given to container {holder}, too"
                    hint = "this one is not registered: give each an id of its own"
                    said.append(Diagnostic(Severity.WARNING, SOURCE, f"container {name}", message, hint))
        return said

    def _by_name(self) -> list[tuple[str, ContainerServices]]:
        return sorted(self._containers.values(), key=lambda each: each[0])
