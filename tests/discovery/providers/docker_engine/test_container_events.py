from typing import Any

import pytest

from discovery.providers.docker_engine.container_events import Action, Event, parse_event


def a_container_event(action: str, **attributes: str) -> dict[str, Any]:
    return {"Type": "container", "Action": action, "Actor": {"ID": "c1", "Attributes": attributes}}


def a_network_event(action: str) -> dict[str, Any]:
    attributes = {"container": "c1", "name": "front"}
    return {"Type": "network", "Action": action, "Actor": {"ID": "n1", "Attributes": attributes}}


CASES = [
    (a_container_event("start"), Event(Action.INSPECT, "c1")),
    (a_container_event("unpause"), Event(Action.INSPECT, "c1")),
    (a_container_event("pause"), Event(Action.REFRESH, "c1")),
    (a_container_event("rename", oldName="/x"), Event(Action.REFRESH, "c1")),
    (a_container_event("update"), Event(Action.REFRESH, "c1")),
    (a_container_event("health_status: healthy"), Event(Action.REFRESH, "c1")),
    (a_container_event("kill", signal="15"), Event(Action.SIGNAL, "c1", 15)),
    (a_container_event("kill"), Event(Action.SIGNAL, "c1", 0)),
    (a_container_event("die", exitCode="0"), Event(Action.STOPPED, "c1", exit_code=0)),
    (a_container_event("die", exitCode="137"), Event(Action.STOPPED, "c1", exit_code=137)),
    (a_container_event("die"), Event(Action.STOPPED, "c1")),
    # The container's own labels are among the attributes.
    (a_container_event("die", exitCode="\u00b2"), Event(Action.STOPPED, "c1")),
    (a_container_event("kill", signal="9" * 5000), Event(Action.SIGNAL, "c1", 0)),
    (a_container_event("stop"), Event(Action.STOPPED, "c1")),
    (a_container_event("destroy"), Event(Action.REMOVE, "c1")),
    (a_container_event("exec_start: /bin/true"), None),
    (a_container_event("create"), None),
    (
        a_container_event("create", **{"traefik.docker.allowNonRunning": "true"}),
        Event(Action.INSPECT, "c1"),
    ),
    (a_network_event("connect"), Event(Action.REFRESH, "c1")),
    (a_network_event("disconnect"), Event(Action.REFRESH, "c1")),
    (a_network_event("destroy"), None),
    ({"Type": "network", "Action": "connect", "Actor": {"ID": "n1"}}, None),
    ({"Type": "container", "Action": "start"}, None),
    ({"errorDetail": {"message": "?"}}, None),
    ({}, None),
]


@pytest.mark.parametrize(("event", "parsed"), CASES)
def test_an_event_is_parsed(event: dict[str, Any], parsed: Event | None) -> None:
    assert parse_event(event) == parsed
