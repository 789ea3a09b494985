"""What the tasks of Mesos become, as in Traefik 1."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from discovery import labels
from discovery.labels.constraints import parse
from discovery.labels.options import LabelOptions
from discovery.merging.union import unite
from discovery.providers.mesos.task_reader import TaskReader
from discovery.providers.mesos.values import Agent, State
from rondpoint.configuration import Configuration
from rondpoint.settings import MesosOptions
from rondpoint.settings.tree.section import read_section

AGENT = {"id": "a1", "pid": "slave(1)@10.0.0.1:5051", "hostname": "agent.test"}
DISCOVERY = {
    "name": "/group/my_shop",
    "ports": {"ports": [{"number": 31001, "name": "web"}, {"number": 31002, "name": "admin"}]},
}


def task(*, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "shop.1",
        "framework_id": "f",
        "slave_id": "a1",
        "name": "shop",
        "state": "TASK_RUNNING",
        "labels": [{"key": key, "value": value} for key, value in (labels or {}).items()],
        "discovery": DISCOVERY,
        **more,
    }


def state(*tasks: dict[str, Any], **agent: Any) -> State:
    written = {"frameworks": [{"tasks": list(tasks)}], "slaves": [{**AGENT, **agent}]}
    return msgspec.json.decode(json.dumps(written), type=State)


def decoded(given: State, **options: Any) -> Configuration:
    settings = read_section(MesosOptions, options)
    groups = TaskReader(settings).read(given).values()
    label_options = LabelOptions(settings.default_rule, exposed_by_default=settings.exposed_by_default)
    constraint = parse(settings.constraints)
    parts = [
        labels.decode(container, label_options, constraint)
        for group in groups
        for container in group.containers
    ]
    found = unite(parts, "mesos")
    diagnostics = tuple(each for group in groups for each in group.diagnostics)
    return msgspec.structs.replace(found, diagnostics=found.diagnostics + diagnostics)


def routes(found: Configuration) -> dict[str, list[str]]:
    """Return the addresses of the servers by rule."""
    return {
        router.rule.text: sorted(
            f"{each.host}:{each.port}" for each in found.services[router.service].servers
        )
        for router in found.routers.values()
    }


def running(**status: Any) -> dict[str, Any]:
    return {"state": "TASK_RUNNING", "timestamp": 1.0, **status}


OWN_ADDRESSES = running(
    container_status={"network_infos": [{"ip_addresses": [{"ip_address": "172.16.0.2"}]}]},
    labels=[
        {"key": "Docker.NetworkSettings.IPAddress", "value": "172.17.0.2"},
        {"key": "MesosContainerizer.NetworkSettings.IPAddress", "value": "172.18.0.2"},
    ],
)
RULE = "Host:group-my-shop"

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, list[str]]]] = {
    "defaults": (task(), {}, {RULE: ["10.0.0.1:31001"]}),
    "a domain": (task(), {"domain": "m.test"}, {f"{RULE}.m.test": ["10.0.0.1:31001"]}),
    "groups as subdomains": (
        task(),
        {"domain": "m.test", "groupsAsSubDomains": True},
        {"Host:my_shop.group.m.test": ["10.0.0.1:31001"]},
    ),
    "a domain of its own": (
        task(labels={"traefik.domain": "own.test"}),
        {"domain": "m.test"},
        {f"{RULE}.own.test": ["10.0.0.1:31001"]},
    ),
    "a name without discovery": (
        task(discovery={"ports": {"ports": [{"number": 31001}]}}),
        {},
        {"Host:shop": ["10.0.0.1:31001"]},
    ),
    "a rule": (task(labels={"traefik.frontend.rule": "Host:a"}), {}, {"Host:a": ["10.0.0.1:31001"]}),
    "a port": (task(labels={"traefik.port": "31002"}), {}, {RULE: ["10.0.0.1:31002"]}),
    "an index": (task(labels={"traefik.portIndex": "1"}), {}, {RULE: ["10.0.0.1:31002"]}),
    "a port's name": (task(labels={"traefik.portName": "admin"}), {}, {RULE: ["10.0.0.1:31002"]}),
    "segments named after ports": (
        task(
            labels={"traefik.web.frontend.rule": "Host:w", "traefik.admin.frontend.rule": "Host:a"},
        ),
        {},
        {"Host:w": ["10.0.0.1:31001"], "Host:a": ["10.0.0.1:31002"]},
    ),
    "segments with other ports": (
        task(
            labels={
                "traefik.One.portName": "admin",
                "traefik.two.port": "31002",
                "traefik.web.portIndex": "1",
            },
        ),
        {"domain": "m.test"},
        {f"Host:{name}.group-my-shop.m.test": ["10.0.0.1:31002"] for name in ("one", "two", "web")},
    ),
    "a segment without a port of its own": (
        task(labels={"traefik.api.frontend.rule": "Host:a", "traefik.portIndex": "1"}),
        {},
        {"Host:a": ["10.0.0.1:31002"]},
    ),
    "labels of Traefik 3": (
        task(labels={"traefik.http.routers.r.rule": "Host(`a`)"}),
        {},
        {"Host(`a`)": ["10.0.0.1:31001"]},
    ),
    "labels of Traefik 3 with a port": (
        task(
            discovery={},
            labels={
                "traefik.http.routers.r.rule": "Host(`a`)",
                "traefik.http.services.s.loadbalancer.server.port": "80",
            },
        ),
        {},
        {"Host(`a`)": ["10.0.0.1:80"]},
    ),
    "a task that does not run": (task(state="TASK_STAGING"), {}, {}),
    "a healthy task": (task(statuses=[running(healthy=True)]), {}, {RULE: ["10.0.0.1:31001"]}),
    "an unhealthy task": (task(statuses=[running(healthy=False)]), {}, {}),
    "the newest status counts": (
        task(
            statuses=[
                running(healthy=False, timestamp=2.0),
                running(healthy=True, timestamp=3.0),
                {"state": "TASK_STARTING", "timestamp": 4.0, "healthy": False},
            ]
        ),
        {},
        {RULE: ["10.0.0.1:31001"]},
    ),
    "disabled": (task(labels={"traefik.enable": "false"}), {}, {}),
    "not exposed": (task(), {"exposedByDefault": False}, {}),
    "enabled": (
        task(labels={"traefik.enable": "true"}),
        {"exposedByDefault": False},
        {RULE: ["10.0.0.1:31001"]},
    ),
    "constraints": (
        task(labels={"traefik.tags": "a,b"}),
        {"constraints": "tag==a"},
        {RULE: ["10.0.0.1:31001"]},
    ),
    "other tags": (task(labels={"traefik.tags": "b"}), {"constraints": "tag==a"}, {}),
    "network addresses": (
        task(statuses=[OWN_ADDRESSES]),
        {"ipSources": "netinfo"},
        {RULE: ["172.16.0.2:31001"]},
    ),
    "Docker's address": (
        task(statuses=[OWN_ADDRESSES]),
        {"ipSources": "docker,host"},
        {RULE: ["172.17.0.2:31001"]},
    ),
    "the address of Mesos's containers": (
        task(statuses=[OWN_ADDRESSES]),
        {"ipSources": "mesos"},
        {RULE: ["172.18.0.2:31001"]},
    ),
    "a network address of Mesos 0.25": (
        task(statuses=[running(container_status={"network_infos": [{"ip_address": "172.16.0.3"}]})]),
        {"ipSources": "netinfo"},
        {RULE: ["172.16.0.3:31001"]},
    ),
    "the next source": (
        task(statuses=[running(labels=[{"key": "Docker.NetworkSettings.IPAddress", "value": ""}])]),
        {"ipSources": "docker,netinfo,host"},
        {RULE: ["10.0.0.1:31001"]},
    ),
    "no port and no label": (task(discovery={}), {}, {}),
}


@pytest.mark.parametrize(("given", "options", "expected"), CASES.values(), ids=CASES)
def test_routes_of_a_task(
    given: dict[str, Any], options: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    found = decoded(state(given), **options)
    assert routes(found) == expected
    assert [each.message for each in found.diagnostics if each.severity == "error"] == []


def test_an_unhealthy_task_is_reported() -> None:
    found = decoded(state(task(statuses=[running(healthy=False)])))
    assert [(each.subject, each.message) for each in found.diagnostics] == [
        ("application group-my-shop", "not routed: its health is unhealthy")
    ]


@pytest.mark.parametrize(
    ("agent", "host"),
    [
        ({"pid": "slave(1)@[fd00::1]:5051"}, "fd00::1"),
        ({"pid": ""}, "agent.test"),
    ],
    ids=["IPv6", "only a name"],
)
def test_the_address_of_an_agent(agent: dict[str, str], host: str) -> None:
    (service,) = decoded(state(task(), **agent)).services.values()
    assert [each.host for each in service.servers] == [host]


def test_tasks_of_an_application_are_one_service() -> None:
    second = task(id="shop.2", discovery={**DISCOVERY, "ports": {"ports": [{"number": 31009}]}})
    found = decoded(state(task(), second))
    assert routes(found) == {RULE: ["10.0.0.1:31001", "10.0.0.1:31009"]}
    (service,) = found.services.values()
    assert [each.name for each in service.servers] == ["shop-1", "shop-2"]


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an index beyond the ports": (
        task(labels={"traefik.portIndex": "2"}),
        "a task is not routed: its port index 2 is not one of its 2 discovery ports",
    ),
    "an index of a segment": (
        task(labels={"traefik.web.portIndex": "x"}),
        "a task is not routed: its port index x is not one of its 2 discovery ports",
    ),
    "an unknown port": (
        task(labels={"traefik.port": "80"}),
        "a task is not routed: its port 80 is not one of its 2 discovery ports",
    ),
    "an unknown name of a port": (
        task(labels={"traefik.portName": "x"}),
        "a task is not routed: its port x is not one of its 2 discovery ports",
    ),
    "a port and an index": (
        task(labels={"traefik.portIndex": "1", "traefik.port": "31001"}),
        "a task is not routed: it has a port (31001) and an index of a port (1)",
    ),
    "no port": (
        task(discovery={"name": "shop"}, labels={"traefik.frontend.rule": "Host:a"}),
        "a task is not routed: it has no discovery port",
    ),
    "an unknown label": (task(labels={"traefik.frontendrule": "a"}), "label traefik.frontendrule is unknown"),
    "an unknown form": (task(slave_id=7), "not routed: Mesos describes it in an unknown way: Expected `str`"),
    "an unknown agent": (task(slave_id="other"), "it has no address of the kind host"),
}


@pytest.mark.parametrize(("given", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_reported(given: dict[str, Any], message: str) -> None:
    assert message in "; ".join(each.message for each in decoded(state(given)).diagnostics)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (task(labels={"traefik.portIndex": "9", "traefik.enable": "false"}), {}),
        (task(labels={"traefik.portIndex": "9"}), {"exposedByDefault": False}),
    ],
    ids=["disabled", "not exposed"],
)
def test_faults_of_tasks_that_nobody_wants_routed_are_not_reported(
    given: dict[str, Any], options: dict[str, Any]
) -> None:
    assert decoded(state(given), **options).diagnostics == ()


def test_a_task_is_decoded_again_only_if_it_or_its_agent_changed() -> None:
    reader = TaskReader(MesosOptions())

    def container(given: State) -> Any:
        (group,) = reader.read(given).values()
        return group.containers[0]

    first = container(state(task()))
    assert container(state(task())) is first
    moved = container(state(task(), pid="slave(1)@10.0.0.9:5051"))
    assert moved.networks == {"mesos": "10.0.0.9"}
    assert Agent("a", "slave(1)@10.0.0.9:5051").host == "10.0.0.9"
    changed = container(state(task(labels={"traefik.port": "31002"}), pid="slave(1)@10.0.0.9:5051"))
    assert changed.labels["traefik.port"] == "31002"
