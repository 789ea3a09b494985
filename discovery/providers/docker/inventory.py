"""The containers that are there, and the configuration they make together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM

import msgspec

from discovery.container import Container
from discovery.decoding.decoded import Decoded
from discovery.labels.known_labels import NETWORK
from discovery.merging.union import Union
from discovery.providers.docker.inspection import InspectedContainer
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration

logger = logging.getLogger(__name__)

STOPPING_SIGNALS = frozenset({SIGTERM, SIGKILL, SIGINT, SIGQUIT})
SHARED_NETWORK = "container:"
"""Network mode of a container that shares another's network."""
SHORT_ID = 12
ALIVE_STATES = frozenset({"running", "paused", "restarting"})

Decode = Callable[[Container], Decoded]


class Inventory:
    """Each container is decoded once, and again only when something about it changed."""

    def __init__(self, decode: Decode, provider: str) -> None:
        self._decode = decode
        self._union = Union(provider)
        self._containers: dict[str, InspectedContainer] = {}
        self._draining: dict[str, str] = {}
        self._decoded: dict[str, Container] = {}
        self._network_sharers: set[str] = set()
        self._changed: set[str] = set()
        self._removed = False

    def __contains__(self, container_id: str) -> bool:
        return container_id in self._containers

    def put(self, container_id: str, found: InspectedContainer | None) -> None:
        """Take note of what the engine says of a container, None when it knows none of this id."""
        if found is None or not (found.container.state in ALIVE_STATES or found.container.stays_when_stopped):
            self.remove(container_id)
            return
        self._containers[container_id] = found
        self._changed.add(container_id)
        if self._draining.get(container_id) != found.started_at:
            self._draining.pop(container_id, None)
        if found.container.network_mode.startswith(SHARED_NETWORK):
            self._network_sharers.add(container_id)

    def replace(self, found: Iterable[InspectedContainer]) -> None:
        """Start from these containers; those that were draining still are if they have not started anew."""
        known = {each.container.id: each for each in found}
        for container_id in self._containers.keys() - known.keys():
            self.remove(container_id)
        for container_id, each in known.items():
            self.put(container_id, each)

    def mark_stopped(self, container_id: str) -> None:
        """A container has ended, and may start again."""
        known = self._containers.get(container_id)
        if known is None or not known.container.stays_when_stopped:
            self.remove(container_id)
            return
        ended = msgspec.structs.replace(known.container, state="exited", health="", networks={})
        self.put(container_id, msgspec.structs.replace(known, container=ended, started_at=""))

    def remove(self, container_id: str) -> None:
        self._containers.pop(container_id, None)
        self._draining.pop(container_id, None)
        self._network_sharers.discard(container_id)
        self._changed.discard(container_id)
        if self._decoded.pop(container_id, None) is not None:
            self._union.remove(container_id)
            self._removed = True

    def mark_signalled(self, container_id: str, number: int) -> None:
        """A signal was sent to a container: if it is one that ends it, it takes no more requests."""
        known = self._containers.get(container_id)
        if known is not None and (number in STOPPING_SIGNALS or number == known.stop_signal):
            self._draining[container_id] = known.started_at
            self._changed.add(container_id)

    def refresh(self) -> bool:
        """Decode what was touched since the last call; whether what the containers define may be new."""
        changed, self._removed = self._removed, False
        # A guest has its host's addresses, which change without a word about the guest.
        for container_id in self._changed | self._network_sharers:
            container = self._effective_container(container_id)
            if self._decoded.get(container_id) != container:
                self._decoded[container_id] = container
                self._union.put(container_id, self._decode_one(container))
                changed = True
        self._changed.clear()
        return changed

    def configuration(self) -> Configuration:
        """What the containers define together, as of the last refresh."""
        return self._union.configuration()

    def _effective_container(self, container_id: str) -> Container:
        container = self._containers[container_id].container
        if container_id in self._draining:
            container = msgspec.structs.replace(container, draining=True)
        if container.network_mode.startswith(SHARED_NETWORK):
            host = self._find(container.network_mode.removeprefix(SHARED_NETWORK))
            if host is None:
                return msgspec.structs.replace(container, networks={})
            if host.network_mode == "host":
                return msgspec.structs.replace(container, network_mode="host", host_address=host.host_address)
            # The network that the other says goes before the guest's own, as in Traefik.
            said = {name: value for name, value in host.labels.items() if name.lower() == NETWORK}
            own = {name: value for name, value in container.labels.items() if name.lower() != NETWORK}
            labels = own | said if said else container.labels
            return msgspec.structs.replace(container, networks=host.networks, labels=labels)
        return container

    def _find(self, reference: str) -> Container | None:
        known = self._containers.get(reference)
        if known is not None:
            return known.container
        for each in self._containers.values():
            container = each.container
            if container.name == reference or (
                len(reference) >= SHORT_ID and container.id.startswith(reference)
            ):
                return container
        return None

    def _decode_one(self, container: Container) -> Decoded:
        try:
            return self._decode(container)
        except Exception as error:
            # A fault of ours with one container must not take the routes of all others with it.
            logger.exception("container %s cannot be decoded", container.name)
            subject = f"container {container.name}"
            message = f"its labels cannot be decoded, which is a fault of Rondpoint: {error!r}"
            return Decoded(subject, diagnostics=(Diagnostic(Severity.ERROR, "docker", subject, message),))
