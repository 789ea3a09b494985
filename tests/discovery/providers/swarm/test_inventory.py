"""From a manager's descriptions to the servers of services, without an engine."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import everything
from discovery.labels.container import Container
from discovery.labels.options import engine_label_options
from discovery.providers.swarm.decode import decode
from discovery.providers.swarm.inventory import SIGNAL_SECONDS, Inventory
from discovery.providers.swarm.objects import SwarmService, parse_node, parse_service, parse_task
from rondpoint.configuration import Configuration
from rondpoint.settings import SwarmOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.swarm.descriptions import PORT, attachment, node, service, task

NETWORKS = {"net": "public"}


class Site:
    """An inventory with options, and a clock that stands still."""

    def __init__(self, **options: Any) -> None:
        self.options = read_section(SwarmOptions, options)
        self.now = 0.0
        self.decoded = 0
        self.inventory = Inventory(
            self._decode, keeps_routes=self.options.allow_empty_services, clock=lambda: self.now
        )
        self.inventory.put_networks(NETWORKS)

    def _decode(self, each: SwarmService, containers: Sequence[Container]) -> Sequence[Decoded]:
        self.decoded += 1
        return decode(each, containers, engine_label_options(self.options), everything)

    def put(
        self, *tasks: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]] = (), **of_service: Any
    ) -> None:
        self.inventory.put_nodes(map(parse_node, nodes or [node()]))
        self.inventory.put_service(parse_service(service(**of_service)))
        self.inventory.put_tasks("id-web", map(parse_task, tasks))

    def configuration(self) -> Configuration:
        self.inventory.refresh()
        return self.inventory.configuration()

    def servers(self) -> list[str]:
        """Return `NAME URL STATE` of each server of the only service."""
        services = self.configuration().services.values()
        return [
            f"{server.name} {server.url} {server.state.name}" for each in services for server in each.servers
        ]


UP = "web.1.t1 http://10.0.1.5:80 UP"
DRAINING = "web.1.t1 http://10.0.1.5:80 DRAINING"
VIP = "web http://10.0.1.2:80 UP"

SERVERS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a running task", {"tasks": [task()]}, [UP]),
    ("a task that is to end", {"tasks": [task(desired="shutdown")]}, [DRAINING]),
    ("a task of a removed service", {"tasks": [task(desired="remove")]}, [DRAINING]),
    ("a starting task", {"tasks": [task(state="starting")]}, []),
    ("an ended task", {"tasks": [task(state="shutdown", desired="shutdown")]}, []),
    ("a failed task", {"tasks": [task(state="failed", desired="shutdown")]}, []),
    (
        "two tasks of one slot during a rolling update",
        {
            "tasks": [
                task(desired="shutdown"),
                task("t2", NetworksAttachments=[attachment("public", "10.0.1.6/24")]),
            ]
        },
        [DRAINING, "web.1.t2 http://10.0.1.6:80 UP"],
    ),
    (
        "a task of a global service has its node's id in its name",
        {"tasks": [task(Slot=0)], "mode": {"Global": {}}},
        ["web.n1.t1 http://10.0.1.5:80 UP"],
    ),
    ("a task on a node that is down", {"tasks": [task()], "nodes": [node(state="down")]}, [DRAINING]),
    (
        "a task that was replaced because its node is down",
        {"tasks": [task(desired="shutdown")], "nodes": [node(state="down")]},
        [],
    ),
    (
        "the routing mesh is no way to a task",
        {
            "tasks": [
                task(
                    NetworksAttachments=[
                        attachment("ingress", "10.0.0.9/24", ingress=True),
                        attachment("public", "10.0.1.5/24"),
                    ]
                )
            ]
        },
        [UP],
    ),
    (
        "a task in the host's network has its node's address",
        {"tasks": [task(NetworksAttachments=[attachment("host", "", driver="host")])]},
        ["web.1.t1 http://192.168.0.1:80 UP"],
    ),
    ("swarm.lbswarm", {"tasks": [task()], "labels": {**PORT, "traefik.swarm.lbswarm": "true"}}, [VIP]),
    ("docker.lbswarm", {"tasks": [task()], "labels": {**PORT, "traefik.docker.lbswarm": "true"}}, [VIP]),
    ("no lbswarm", {"tasks": [task()], "labels": {**PORT, "traefik.swarm.lbswarm": "false"}}, [UP]),
    (
        "Traefik 1's loadbalancer.swarm",
        {
            "tasks": [task()],
            "labels": {
                "traefik.port": "80",
                "traefik.backend.loadbalancer.swarm": "true",
                "traefik.frontend.rule": "Host:web.test",
            },
        },
        [VIP],
    ),
    (
        "lbswarm in the endpoint mode dnsrr",
        {
            "tasks": [task()],
            "labels": {**PORT, "traefik.swarm.lbswarm": "true"},
            "Endpoint": {"Spec": {"Mode": "dnsrr"}},
        },
        [UP],
    ),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in SERVERS], ids=[row[0] for row in SERVERS])
def test_tasks_become_servers(given: dict[str, Any], expected: list[str]) -> None:
    given = dict(given)
    site = Site()
    site.put(*given.pop("tasks"), nodes=given.pop("nodes", ()), **given)
    assert site.servers() == expected


TWO_NETWORKS = [attachment("private", "10.0.2.5/24"), attachment("public", "10.0.1.5/24")]


@pytest.mark.parametrize(
    ("labels", "option", "host"),
    [
        ({}, "", "10.0.2.5"),
        ({}, "public", "10.0.1.5"),
        ({"traefik.swarm.network": "public"}, "", "10.0.1.5"),
        ({"traefik.docker.network": "public"}, "private", "10.0.1.5"),
        ({"traefik.swarm.network": "missing"}, "public", "10.0.2.5"),
    ],
    ids=["first by name", "option", "label", "old label", "missing network"],
)
def test_the_network_of_the_label_or_option_is_used(labels: dict[str, str], option: str, host: str) -> None:
    site = Site(network=option)
    site.put(task(NetworksAttachments=TWO_NETWORKS), labels={**PORT, **labels})
    assert site.servers() == [f"web.1.t1 http://{host}:80 UP"]
    if "missing" in labels.values():
        (diagnostic,) = site.configuration().diagnostics
        assert "traefik.swarm.network" in diagnostic.hint


def test_a_port_published_on_the_node_is_used_with_bind_port_ip() -> None:
    ports = [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8088, "PublishMode": "host"}]
    site = Site(useBindPortIP=True)
    site.put(task(ports=ports))
    assert site.servers() == ["web.1.t1 http://192.168.0.1:8088 UP"]
    site = Site(useBindPortIP=True)
    site.put(task())
    assert site.servers() == [UP]


def test_the_default_rule_has_the_name_of_the_service() -> None:
    site = Site()
    site.put(task(), name="web", labels={"traefik.http.services.x.loadbalancer.server.port": "80"})
    (router,) = site.configuration().routers.values()
    assert (router.name, router.rule.text) == ("web@swarm", "Host(`web`)")


def test_the_rule_of_traefik_1_has_the_name_of_the_service() -> None:
    site = Site(domain="swarm.local")
    site.put(task(), task("t2"), labels={"traefik.port": "80"})
    (router,) = site.configuration().routers.values()
    assert (router.rule.text, router.service) == ("Host:web.swarm.local", "web@swarm")
    assert len(site.servers()) == 2


@pytest.mark.parametrize(
    ("options", "labels", "tasks", "message"),
    [
        ({}, PORT, [], "not routed: it is not running, but waiting for a task"),
        (
            {},
            PORT,
            [task(state="pending", error="no suitable node")],
            "waiting for a task (no suitable node)",
        ),
        (
            {},
            PORT,
            [task(state="rejected", desired="shutdown", error="No such image: x")],
            "waiting for a task (No such image: x)",
        ),
        ({"exposedByDefault": False}, PORT, [task()], "services are not exposed by default"),
        ({}, {}, [task()], "not routed: it exposes no port"),
        (
            {},
            {**PORT, "traefik.docker.network": "a", "traefik.swarm.network": "b"},
            [task()],
            "not routed: it has labels below both traefik.swarm and traefik.docker",
        ),
    ],
    ids=["no task", "no node", "no image", "not exposed", "no port", "labels of both"],
)
def test_a_service_without_a_route_says_why_once(
    options: dict[str, Any], labels: dict[str, str], tasks: list[dict[str, Any]], message: str
) -> None:
    site = Site(**options)
    site.put(*tasks, *[{**each, "ID": f"{each['ID']}-2"} for each in tasks], labels=labels)
    configuration = site.configuration()
    assert configuration.routers == {}
    (diagnostic,) = configuration.diagnostics
    assert message in diagnostic.message
    assert (diagnostic.source, diagnostic.subject) == ("swarm", "service web")


def test_a_service_without_a_virtual_ip_is_reported() -> None:
    site = Site()
    site.put(task(), labels={**PORT, "traefik.swarm.lbswarm": "true"}, Endpoint={})
    (diagnostic,) = site.configuration().diagnostics
    assert "traefik.swarm.lbswarm has no effect" in diagnostic.message


def test_routes_stay_without_tasks_if_the_setting_says_so() -> None:
    site = Site(allowEmptyServices=True)
    site.put()
    configuration = site.configuration()
    assert list(configuration.routers) == ["web@swarm"]
    assert [each.servers for each in configuration.services.values()] == [()]


def test_a_signalled_task_drains_until_the_manager_says_that_it_survived() -> None:
    site = Site()
    site.put(task())
    for number, expected in ((1, UP), (15, DRAINING)):
        site.inventory.mark_signalled("id-web", "t1", number)
        assert site.servers() == [expected]
    site.now += SIGNAL_SECONDS / 2
    site.put(task())
    assert (site.servers(), site.inventory.is_settled("id-web")) == ([DRAINING], False)
    site.now += SIGNAL_SECONDS
    site.put(task())
    assert (site.servers(), site.inventory.is_settled("id-web")) == ([UP], True)


def test_a_stop_signal_of_the_service_drains() -> None:
    site = Site()
    site.put(task(), stop_signal="SIGUSR1")
    site.inventory.mark_signalled("id-web", "t1", 10)
    assert site.servers() == [DRAINING]


@pytest.mark.parametrize(
    ("tasks", "more", "settled"),
    [
        ([task()], {}, True),
        ([], {}, False),
        ([task(), task("t2")], {}, False),
        ([task(state="starting")], {}, False),
        ([task(), task("t0", "failed", "shutdown")], {}, True),
        ([task(), task("t0", desired="shutdown")], {}, False),
        ([task(), task("t0", desired="shutdown", NodeID="n2")], {}, True),
        ([task()], {"UpdateStatus": {"State": "updating"}}, False),
        ([task()], {"UpdateStatus": {"State": "completed"}}, True),
        ([], {"mode": {"Replicated": {"Replicas": 0}}}, True),
        ([task(), task("t2")], {"mode": {"Global": {}}}, True),
    ],
    ids=[
        *("as wanted", "too few", "too many", "starting", "failed before", "stopping", "on a lost node"),
        *("updating", "updated", "none", "global"),
    ],
)
def test_a_service_is_settled_once_its_tasks_are_as_wanted(
    tasks: list[dict[str, Any]], more: dict[str, Any], settled: bool
) -> None:
    site = Site()
    site.put(*tasks, nodes=[node(), node("n2", "down")], **more)
    assert site.inventory.is_settled("id-web") is settled


def test_only_changed_services_are_decoded_again() -> None:
    site = Site()
    site.put(task())
    assert site.inventory.refresh()
    site.put(task(error="a message"), UpdateStatus={"State": "updating"})
    assert not site.inventory.refresh()
    assert site.decoded == 1
    site.inventory.remove_service("id-web")
    assert site.inventory.refresh()
    assert site.inventory.configuration() == Configuration()
    assert not site.inventory.refresh()


def test_a_bug_of_the_decoder_costs_one_service_only() -> None:
    def broken(each: SwarmService, containers: Sequence[Container]) -> Sequence[Decoded]:
        raise KeyError(each.name)

    inventory = Inventory(broken, keeps_routes=False)
    inventory.put_service(parse_service(service()))
    assert inventory.refresh()
    (diagnostic,) = inventory.configuration().diagnostics
    assert "a bug in Rondpoint" in diagnostic.message


def test_labels_for_tcp_and_udp_make_servers_of_the_tasks() -> None:
    labels = {
        "traefik.tcp.routers.db.rule": "HostSNI(`*`)",
        "traefik.tcp.services.db.loadbalancer.server.port": "5432",
        "traefik.udp.routers.dns.entrypoints": "dns",
        "traefik.udp.services.dns.loadbalancer.server.port": "53",
    }
    site = Site()
    site.put(task(), labels=labels)
    found = site.configuration()
    assert (found.routers, found.services) == ({}, {})
    services = (*found.tcp_services.values(), *found.udp_services.values())
    assert [f"{each.name} {each.address}" for service in services for each in service.servers] == [
        "web.1.t1 10.0.1.5:5432",
        "web.1.t1 10.0.1.5:53",
    ]
