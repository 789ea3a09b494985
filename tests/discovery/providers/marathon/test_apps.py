"""What an app with its tasks becomes, as in Traefik 1."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from discovery import labels
from discovery.labels.constraints import parse
from discovery.labels.options import LabelOptions
from discovery.merging.union import unite
from discovery.providers.marathon.apps import containers_of
from discovery.providers.marathon.values import App
from rondpoint.configuration import Configuration
from rondpoint.settings import MarathonOptions
from rondpoint.settings.tree.section import read_section

NOW = 1_600_000_000.0
STARTED = "2020-09-13T12:26:35Z"  # five seconds before NOW
TASK = {"id": "t1", "host": "10.0.0.1", "ports": [31001, 31002], "state": "TASK_RUNNING"}
CHECKED = {"deployments": [{"id": "d"}], "readinessChecks": [{"timeoutSeconds": 1}]}


def app(*, tasks: Any = (TASK,), **more: Any) -> App:
    return msgspec.convert({"id": "/group/shop", "tasks": list(tasks), **more}, App)


def decoded(given: App, **options: Any) -> Configuration:
    settings = read_section(MarathonOptions, options)
    made = containers_of(given, settings, NOW)
    label_options = LabelOptions(
        settings.default_rule, exposed_by_default=settings.exposed_by_default, allow_empty_services=True
    )
    constraint = parse(settings.constraints)
    parts = [labels.decode(each, label_options, constraint) for each in made.containers]
    found = unite(parts, "marathon")
    return msgspec.structs.replace(found, diagnostics=found.diagnostics + made.diagnostics)


def routes(found: Configuration) -> dict[str, list[str]]:
    """Return the addresses of the servers by rule."""
    return {
        router.rule.text: sorted(
            f"{each.host}:{each.port}" for each in found.services[router.service].servers
        )
        for router in found.routers.values()
    }


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, list[str]]]] = {
    "defaults": ({}, {}, {"Host:group-shop": ["10.0.0.1:31001"]}),
    "a domain": ({}, {"domain": "m.test"}, {"Host:group-shop.m.test": ["10.0.0.1:31001"]}),
    "groups as subdomains": (
        {},
        {"domain": "m.test", "groupsAsSubDomains": True},
        {"Host:shop.group.m.test": ["10.0.0.1:31001"]},
    ),
    "a domain of its own": (
        {"labels": {"traefik.domain": "own.test"}},
        {"domain": "m.test"},
        {"Host:group-shop.own.test": ["10.0.0.1:31001"]},
    ),
    "a rule": ({"labels": {"traefik.frontend.rule": "Host:a"}}, {}, {"Host:a": ["10.0.0.1:31001"]}),
    "a port": ({"labels": {"traefik.port": "80"}}, {}, {"Host:group-shop": ["10.0.0.1:80"]}),
    "an index": ({"labels": {"traefik.portIndex": "1"}}, {}, {"Host:group-shop": ["10.0.0.1:31002"]}),
    "defined ports": (
        {"tasks": [{**TASK, "ports": []}], "portDefinitions": [{"port": 8081}]},
        {},
        {"Host:group-shop": ["10.0.0.1:8081"]},
    ),
    "segments": (
        {
            "labels": {
                "traefik.web.portIndex": "0",
                "traefik.API.portIndex": "1",
                "traefik.API.frontend.rule": "Host:b",
            }
        },
        {"domain": "m.test"},
        {"Host:web.group-shop.m.test": ["10.0.0.1:31001"], "Host:b": ["10.0.0.1:31002"]},
    ),
    "two tasks": (
        {"tasks": [TASK, {**TASK, "id": "t2", "ports": [31009]}]},
        {},
        {"Host:group-shop": ["10.0.0.1:31001", "10.0.0.1:31009"]},
    ),
    "a task that does not run": (
        {"tasks": [TASK, {**TASK, "id": "t2", "state": "TASK_STAGING"}]},
        {},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "no task": ({"tasks": []}, {}, {"Host:group-shop": []}),
    "disabled": ({"labels": {"traefik.enable": "false"}}, {}, {}),
    "not exposed": ({}, {"exposedByDefault": False}, {}),
    "constraints": (
        {"labels": {"traefik.tags": "a,b"}},
        {"constraints": "tag==a"},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "other tags": ({"labels": {"traefik.tags": "b"}}, {"constraints": "tag==a"}, {}),
    "constraints of Marathon": (
        {"constraints": [["rack_id", "LIKE", "a"]]},
        {"constraints": "tag==rack_id:LIKE:*", "filterMarathonConstraints": True},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "marathon-lb": (
        {"labels": {"HAPROXY_0_VHOST": "lb.test", "HAPROXY_GROUP": "external"}},
        {"constraints": "tag==external", "marathonLBCompatibility": True},
        {"Host:lb.test": ["10.0.0.1:31001"]},
    ),
    "marathon-lb is off": (
        {"labels": {"HAPROXY_0_VHOST": "lb.test"}},
        {},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "an address of its own": (
        {
            "networks": [{"mode": "container"}],
            "ipAddress": {"discovery": {"ports": [{"number": 80}]}},
            "tasks": [{**TASK, "ports": [], "ipAddresses": [{"ipAddress": "172.16.0.2"}]}],
        },
        {},
        {"Host:group-shop": ["172.16.0.2:80"]},
    ),
    "one of two addresses": (
        {
            "networks": [{"mode": "container"}],
            "labels": {"traefik.ipAddressIdx": "1"},
            "tasks": [{**TASK, "ipAddresses": [{"ipAddress": "172.16.0.2"}, {"ipAddress": "172.16.0.3"}]}],
        },
        {},
        {"Host:group-shop": ["172.16.0.3:31001"]},
    ),
    "the task's host": (
        {
            "networks": [{"mode": "container"}],
            "tasks": [{**TASK, "ipAddresses": [{"ipAddress": "172.16.0.2"}]}],
        },
        {"forceTaskHostname": True},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "a bridge": ({"networks": [{"mode": "container/bridge"}]}, {}, {"Host:group-shop": ["10.0.0.1:31001"]}),
    "Traefik 3's labels": (
        {"labels": {"traefik.http.routers.r.rule": "Host(`r.test`)", "traefik.portIndex": "1"}},
        {},
        {"Host(`r.test`)": ["10.0.0.1:31002"]},
    ),
    "ready": (
        {**CHECKED, "readinessCheckResults": [{"taskId": "t1", "ready": True}]},
        {"respectReadinessChecks": True},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "not ready": (
        {**CHECKED, "readinessCheckResults": [{"taskId": "t1", "ready": False}]},
        {"respectReadinessChecks": True},
        {"Host:group-shop": []},
    ),
    "readiness is not respected": (
        {**CHECKED, "readinessCheckResults": [{"taskId": "t1", "ready": False}]},
        {},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "new, without a result": (
        {**CHECKED, "tasks": [{**TASK, "startedAt": STARTED}]},
        {"respectReadinessChecks": True},
        {"Host:group-shop": []},
    ),
    "old, without a result": (
        {**CHECKED, "tasks": [{**TASK, "startedAt": "2020-09-13T12:26:34Z"}]},
        {"respectReadinessChecks": True},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
    "no deployment": (
        {**CHECKED, "deployments": [], "tasks": [{**TASK, "startedAt": STARTED}]},
        {"respectReadinessChecks": True},
        {"Host:group-shop": ["10.0.0.1:31001"]},
    ),
}


@pytest.mark.parametrize(("given", "options", "expected"), CASES.values(), ids=CASES)
def test_routes_of_an_app(
    given: dict[str, Any], options: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    assert routes(decoded(app(**given), **options)) == expected


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an index beyond the ports": (
        {"labels": {"traefik.portIndex": "2"}},
        "a task is not routed: its port index 2 is not one of the 2 ports",
    ),
    "an index of a segment": (
        {"labels": {"traefik.web.portIndex": "x"}},
        "a task is not routed: its port index x is not one of the 2 ports",
    ),
    "two addresses": (
        {
            "networks": [{"mode": "container"}],
            "tasks": [{**TASK, "ipAddresses": [{"ipAddress": "a"}, {"ipAddress": "b"}]}],
        },
        "it has 2 addresses; label traefik.ipAddressIdx must choose one",
    ),
    "no address": ({"networks": [{"mode": "container"}]}, "it has no address in its network yet"),
    "an unknown label": ({"labels": {"traefik.frontendrule": "a"}}, "label traefik.frontendrule is unknown"),
}


@pytest.mark.parametrize(("given", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_reported(given: dict[str, Any], message: str) -> None:
    found = decoded(app(**given))
    assert message in "; ".join(each.message for each in found.diagnostics)


def test_a_waiting_task_is_known() -> None:
    options = MarathonOptions(respect_readiness_checks=True)
    waiting = app(**CHECKED, tasks=[{**TASK, "startedAt": STARTED}])
    assert containers_of(waiting, options, NOW).waiting
    assert not containers_of(app(), options, NOW).waiting
