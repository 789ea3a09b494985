"""What an engine's event asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from discovery.container import ALLOW_NON_RUNNING

_NUMBER = re.compile(r"[0-9]{1,10}")


class Action(Enum):
    """What is to be done about a container.

    `INSPECT`: look at it. `REFRESH`: look if it is known. `SIGNAL`: it was sent one. `STOPPED`: it has ended,
    but is there. `REMOVE`: it has gone.
    """

    INSPECT = auto()
    REFRESH = auto()
    SIGNAL = auto()
    STOPPED = auto()
    REMOVE = auto()


class Event(Struct, frozen=True):
    """One thing that happened to one container.

    `signal` is that of `Action.SIGNAL`, else 0; `exit_code` is told once for `Action.STOPPED`, else None.
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

# While a container starts it joins its networks before its `start`, and while it dies it leaves them
# after its `die`: either way it is not known, and no look is wasted on it.
NETWORK_ACTIONS: Mapping[str, Action] = {"connect": Action.REFRESH, "disconnect": Action.REFRESH}

CREATED = "create"
"""Of interest where the container counts before it runs; the event carries its labels."""

FILTERS: Mapping[str, list[str]] = {
    "type": ["container", "network"],
    "event": [CREATED, *ACTIONS, *NETWORK_ACTIONS],
}
"""Spares us, among others, three events for each run of a health check."""


def parse_event(event: Mapping[str, Any]) -> Event | None:
    """What `event`, an object of `GET /events`, asks for; None when it is nothing to us."""
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
    """The engine puts the container's labels among the attributes, so that it may be any text."""
    written = str(attributes.get(name, ""))
    return int(written) if _NUMBER.fullmatch(written) else None
