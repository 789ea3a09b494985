from typing import Any

import pytest

from discovery.providers.swarm.events import Kind, SwarmEvent, parse_event
from tests.discovery.providers.swarm.descriptions import event

OF_TASK = {"com__docker__swarm__service__id": "id-web", "com__docker__swarm__task__id": "t1"}

EVENTS: list[tuple[str, dict[str, Any], SwarmEvent | None]] = [
    ("a service is created", event("service", "create"), SwarmEvent(Kind.SERVICE, "id-web")),
    ("a service is updated", event("service", "update"), SwarmEvent(Kind.SERVICE, "id-web")),
    ("a service is removed", event("service", "remove"), SwarmEvent(Kind.REMOVED, "id-web")),
    ("a node is drained", event("node", "update", "n1"), SwarmEvent(Kind.NODE)),
    ("a task starts", event("container", "start", **OF_TASK), SwarmEvent(Kind.CONTAINER, "id-web", "t1")),
    (
        "a task is asked to stop",
        event("container", "kill", **OF_TASK, signal="15"),
        SwarmEvent(Kind.SIGNAL, "id-web", "t1", 15),
    ),
    ("a task ends", event("container", "die", **OF_TASK), SwarmEvent(Kind.ENDED, "id-web", "t1")),
    (
        "a label of the container hides the signal",
        event("container", "kill", **OF_TASK, signal="\u00b2" * 5000),
        SwarmEvent(Kind.SIGNAL, "id-web", "t1"),
    ),
    ("a container is none of a service", event("container", "die", signal="9"), None),
    ("a task's container is removed", event("container", "destroy", **OF_TASK), None),
    ("an image is pulled", event("image", "pull"), None),
    ("an event without anything", {}, None),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_an_event_says_what_to_read(given: dict[str, Any], expected: SwarmEvent | None) -> None:
    assert parse_event(given) == expected
