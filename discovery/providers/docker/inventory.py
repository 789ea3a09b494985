"""Holds the known containers, and builds the provider's configuration from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from discovery.decoding.decoded import Decoded
from discovery.labels.container import SHARED_NETWORK, Container
from discovery.labels.known_labels import NETWORK
from discovery.merging.guarded_decoding import decode_guarded
from discovery.merging.union import Union
from discovery.providers.docker.inspection import InspectedContainer
from discovery.providers.docker_engine.signals import STOPPING_SIGNALS
from rondpoint.configuration import Configuration

SHORT_ID = 12
ALIVE_STATES = frozenset({"running", "paused", "restarting"})

Decode = Callable[[Container], Decoded]


class Inventory:
    """The known containers. Each is decoded once, and again only after it changed."""

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
        """Store the engine's description of a container; None removes it."""
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
        """Replace all containers. One that was draining keeps draining unless it has started again since."""
        known = {each.container.id: each for each in found}
        for container_id in self._containers.keys() - known.keys():
            self.remove(container_id)
        for container_id, each in known.items():
            self.put(container_id, each)

    def mark_stopped(self, container_id: str) -> None:
        """Note that a container has ended. It stays known if its label says so, since it may start again."""
        known = self._containers.get(container_id)
        if known is None or not known.container.stays_when_stopped:
            self.remove(container_id)
            return
        ended = msgspec.structs.replace(known.container, state="exited", health="", networks={})
        self.put(container_id, msgspec.structs.replace(known, container=ended, started_at=""))

    def remove(self, container_id: str) -> None:
        """Remove a container and its routes."""
        self._containers.pop(container_id, None)
        self._draining.pop(container_id, None)
        self._network_sharers.discard(container_id)
        self._changed.discard(container_id)
        if self._decoded.pop(container_id, None) is not None:
            self._union.remove(container_id)
            self._removed = True

    def mark_signalled(self, container_id: str, number: int) -> None:
        """Note that a container was sent a signal. If the signal stops it, the container starts to drain."""
        known = self._containers.get(container_id)
        if known is not None and (number in STOPPING_SIGNALS or number == known.stop_signal):
            self._draining[container_id] = known.started_at
            self._changed.add(container_id)

    def refresh(self) -> bool:
        """Decode the containers that changed since the last call; return whether definitions may differ."""
        changed, self._removed = self._removed, False
        # Containers that share a network have its owner's addresses, which change without an event of their
        # own.
        for container_id in self._changed | self._network_sharers:
            container = self._effective_container(container_id)
            if self._decoded.get(container_id) != container:
                self._decoded[container_id] = container
                self._union.put(container_id, self._decode_one(container))
                changed = True
        self._changed.clear()
        return changed

    def configuration(self) -> Configuration:
        """Return the configuration of all containers, as of the last refresh."""
        return self._union.configuration()

    def _effective_container(self, container_id: str) -> Container:
        container = self._containers[container_id].container
        if container_id in self._draining:
            container = msgspec.structs.replace(container, draining=True)
        if container.network_mode.startswith(SHARED_NETWORK):
            owner = self._find(container.network_mode.removeprefix(SHARED_NETWORK))
            if owner is None:
                return msgspec.structs.replace(container, networks={})
            if owner.network_mode == "host":
                return msgspec.structs.replace(
                    container, network_mode="host", host_address=owner.host_address
                )
            # The owner's network label takes precedence over the container's own, as in Traefik.
            network = {name: value for name, value in owner.labels.items() if name.lower() == NETWORK}
            others = {name: value for name, value in container.labels.items() if name.lower() != NETWORK}
            labels = others | network if network else container.labels
            return msgspec.structs.replace(container, networks=owner.networks, labels=labels)
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
        subject = f"container {container.name}"
        (decoded,) = decode_guarded(lambda: (self._decode(container),), subject, "labels", "docker")
        return decoded
