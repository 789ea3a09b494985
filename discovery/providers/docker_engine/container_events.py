"""Decodes the Docker engine's events into the actions that they require."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from discovery.labels.container import ALLOW_NON_RUNNING

_NUMBER = re.compile(r"[0-9]{1,10}")


class Action(Enum):
    """The action that an event requires for a container.

    `INSPECT`: inspect it. `REFRESH`: inspect it if it is known. `SIGNAL`: it was sent a signal.
    `STOPPED`: it ended but still exists. `REMOVE`: it was removed.
    """

    INSPECT = auto()
    REFRESH = auto()
    SIGNAL = auto()
    STOPPED = auto()
    REMOVE = auto()


class Event(Struct, frozen=True):
    """An event of one container.

    `signal` is the signal number of `Action.SIGNAL`, else 0. `exit_code` is set in only one of the
    `Action.STOPPED` events of a container, else None.
    """

    action: Action
    container_id: str
    signal: int = 0
    exit_code: int | None = None


ACTIONS: Mapping[str, Action] = {
    "start": Action.INSPECT,
    "unpause": Action.INSPECT,
    "pause": Action.REFRESH,
    "rename": Action.REFRESH,
    "update": Action.REFRESH,
    "health_status": Action.REFRESH,
    "kill": Action.SIGNAL,
    "die": Action.STOPPED,
    "stop": Action.STOPPED,
    "destroy": Action.REMOVE,
}

# A starting container joins its networks before its `start` event, and a dying one leaves them after its
# `die`. At both times the container is not known, so these events cost no inspection.
NETWORK_ACTIONS: Mapping[str, Action] = {"connect": Action.REFRESH, "disconnect": Action.REFRESH}

CREATED = "create"
"""Matters only for containers that count before they run; the event carries the labels."""

FILTERS: Mapping[str, list[str]] = {
    "type": ["container", "network"],
    "event": [CREATED, *ACTIONS, *NETWORK_ACTIONS],
}
"""The filter of the event stream.

It leaves out, among others, three events for each run of a health check.
"""


def parse_event(event: Mapping[str, Any]) -> Event | None:
    """Decode `event`, an object of `GET /events`; return None if it requires no action."""
    actor: Mapping[str, Any] = event.get("Actor") or {}
    attributes: Mapping[str, Any] = actor.get("Attributes") or {}
    # `health_status: healthy` carries its detail after a colon.
    name = str(event.get("Action", "")).partition(":")[0]
    if event.get("Type") == "network":
        action, container_id = NETWORK_ACTIONS.get(name), attributes.get("container")
    else:
        action, container_id = ACTIONS.get(name), actor.get("ID")
        if name == CREATED and ALLOW_NON_RUNNING in map(str.lower, attributes):
            action = Action.INSPECT
    if action is None or not container_id:
        return None
    return Event(
        action,
        str(container_id),
        (_number(attributes, "signal") or 0) if action is Action.SIGNAL else 0,
        _number(attributes, "exitCode") if name == "die" else None,
    )


def _number(attributes: Mapping[str, Any], name: str) -> int | None:
    """Return a number from the attributes, or None.

    The engine merges the container's labels into the attributes, so the value may be any text.
    """
    written = str(attributes.get(name, ""))
    return int(written) if _NUMBER.fullmatch(written) else None
