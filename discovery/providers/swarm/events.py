"""Decodes a manager's events, as far as they concern services, their tasks and nodes.

A manager reports all changes of services and nodes. Of tasks it reports nothing; containers of tasks give
events on their own node only.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from msgspec import Struct

_SERVICE_ID = "com.docker.swarm.service.id"
_TASK_ID = "com.docker.swarm.task.id"


class Kind(Enum):
    """What an event is about.

    `SERVICE`: a service that exists. `REMOVED`: a service that was removed. `NODE`: any node. `CONTAINER`: a
    task's container on this node. `SIGNAL`: such a container was sent a signal. `ENDED`: it has ended.
    """

    SERVICE = auto()
    REMOVED = auto()
    NODE = auto()
    CONTAINER = auto()
    SIGNAL = auto()
    ENDED = auto()


class SwarmEvent(Struct, frozen=True):
    """An event; `signal` is the number of the signal, else 0."""

    kind: Kind
    service_id: str = ""
    task_id: str = ""
    signal: int = 0


_SERVICES = {"create": Kind.SERVICE, "update": Kind.SERVICE, "remove": Kind.REMOVED}
_NODES = ("create", "update", "remove")
_CONTAINERS = {"start": Kind.CONTAINER, "kill": Kind.SIGNAL, "die": Kind.ENDED}

FILTERS: Mapping[str, tuple[str, ...]] = {
    "type": ("service", "node", "container"),
    "event": (*_SERVICES, *_CONTAINERS),
}
"""The filter of the event stream."""


def parse_event(event: Mapping[str, Any]) -> SwarmEvent | None:
    """Decode `event`, an object of `GET /events`; return None if it does not matter."""
    actor: Mapping[str, Any] = event.get("Actor") or {}
    attributes: Mapping[str, Any] = actor.get("Attributes") or {}
    action, identifier = str(event.get("Action", "")), str(actor.get("ID") or "")
    match event.get("Type"):
        case "service" if action in _SERVICES and identifier:
            return SwarmEvent(_SERVICES[action], identifier)
        case "node" if action in _NODES:
            return SwarmEvent(Kind.NODE)
        case "container" if action in _CONTAINERS and attributes.get(_SERVICE_ID):
            # The container's own labels are among the attributes, so any of these may be any text.
            signal = str(attributes.get("signal", ""))
            return SwarmEvent(
                _CONTAINERS[action],
                str(attributes[_SERVICE_ID]),
                str(attributes.get(_TASK_ID, "")),
                int(signal) if signal.isascii() and signal.isdigit() and len(signal) <= 3 else 0,
            )
    return None
