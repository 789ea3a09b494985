"""The tags of a service's instances are decoded to routers and services, in both dialects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from discovery.labels.constraints import parse
from discovery.merging.union import unite
from discovery.providers.consul_catalog.tag_options import tag_options
from discovery.providers.tagged_services.decode import decode
from discovery.providers.tagged_services.instance import Instance, Member
from rondpoint.configuration import Configuration
from rondpoint.model import Server, ServerState
from rondpoint.settings import ConsulCatalogOptions
from rondpoint.settings.tree.section import read_section

LABELS = (
    Path(__file__)
    .parents[2]
    .joinpath("labels", "v1_labels.txt")
    .read_text()
    .replace("traefik.", "")
    .splitlines()
)
"""Traefik 1's labels without the prefix; its reference has the same ones for containers and catalogue."""

V1 = {"domain": "consul.local", "strict_checks": ("passing",)}


def instance(number: int = 1, *tags: str, service: str = "hello", **more: Any) -> Instance:
    given: dict[str, Any] = {"address": f"10.0.0.{number}", "port": 80, "modified": number, **more}
    return Instance("node", f"{service}-{number}", service, tags=tags, **given)


def configuration(members: Sequence[Instance | Member], **options: Any) -> Configuration:
    given = [each if isinstance(each, Member) else Member(each, "passing") for each in members]
    settings = read_section(ConsulCatalogOptions, options)
    decoded = decode(given[0].instance.service, given, tag_options(settings), parse(settings.constraints))
    return unite(decoded, "consulcatalog")


def rules(found: Configuration) -> dict[str, str]:
    """Return rule → service, without the provider's name."""
    return {router.rule.text: router.service.partition("@")[0] for router in found.routers.values()}


def servers(found: Configuration, service: str = "hello") -> tuple[Server, ...]:
    return found.services[f"{service}@consulcatalog"].servers


TAGS: list[tuple[str, list[str], dict[str, Any], dict[str, str]]] = [
    ("no tags, a domain", [], V1, {"Host:hello.consul.local": "hello"}),
    ("no tags, no domain", [], {}, {"Host(`hello`)": "hello"}),
    (
        "no tags, Traefik 1 without a domain",
        [],
        {"front_end_rule": "Host:{{.ServiceName}}.{{.Domain}}"},
        {"Host:hello": "hello"},
    ),
    (
        "the article's",
        ["traefik.backend=hello2", "traefik.frontend.rule=Host:hello2.osones.com"],
        V1,
        {"Host:hello2.osones.com": "hello2"},
    ),
    ("names in any case", ["TRAEFIK.Frontend.Rule=Host:a"], V1, {"Host:a": "hello"}),
    ("a value with =", ["traefik.frontend.rule=PathPrefix:/a=b"], V1, {"PathPrefix:/a=b": "hello"}),
    (
        "another prefix",
        ["web.frontend.rule=Host:a", "traefik.frontend.rule=Host:b"],
        {**V1, "prefix": "web"},
        {"Host:a": "hello"},
    ),
    (
        "a template in the rule",
        ["traefik.frontend.rule=Host:{{.ServiceName}}.{{getTag `zone` .Attributes `x`}}", "zone=eu"],
        V1,
        {"Host:hello.eu": "hello"},
    ),
    (
        "getAttribute, and a default",
        ['web.frontend.rule=Host:{{getAttribute "host" .Attributes "none"}}', "web.host=a"],
        {**V1, "prefix": "web"},
        {"Host:a": "hello"},
    ),
    (
        "a rule of the settings",
        [],
        {**V1, "front_end_rule": "PathPrefix:/{{.ServiceName}}"},
        {"PathPrefix:/hello": "hello"},
    ),
    (
        "more frontends",
        [
            "traefik.frontend.rule=Host:a",
            "traefik.frontends.api.rule=Host:b",
            "traefik.frontends.plain.priority=7",
        ],
        V1,
        {"Host:a": "hello", "Host:b": "hello", "Host:hello-plain.consul.local": "hello"},
    ),
    (
        "Traefik 3's",
        ["traefik.http.routers.web.rule=Host(`a`)", "traefik.http.routers.web.priority=3"],
        V1,
        {"Host(`a`)": "hello"},
    ),
    (
        "Traefik 3's default rule",
        ["traefik.enable=true"],
        {"default_rule": "Host(`{{ .Name }}.x`)", "exposed_by_default": False},
        {"Host(`hello.x`)": "hello"},
    ),
    ("switched off", ["traefik.enable=false"], V1, {}),
    ("not exposed", ["traefik.frontend.rule=Host:a"], {**V1, "exposed_by_default": False}, {}),
    (
        "a bare enable",
        ["traefik.enable"],
        {**V1, "exposed_by_default": False},
        {"Host:hello.consul.local": "hello"},
    ),
    ("Connect alone", ["traefik.consulcatalog.connect=true"], V1, {}),
    (
        "constraints of Traefik 1",
        ["traefik.tags=api-1,b"],
        {**V1, "constraints": "tag==api-*"},
        {"Host:hello.consul.local": "hello"},
    ),
    ("constraints of Traefik 1 that fail", ["api-1"], {**V1, "constraints": "tag==api-*"}, {}),
    ("constraints of Traefik 3", ["api"], {"constraints": "Tag(`api`)"}, {"Host(`hello`)": "hello"}),
    ("constraints of Traefik 3 that fail", ["api"], {"constraints": "!Tag(`api`)"}, {}),
]


@pytest.mark.parametrize(("name", "tags", "options", "expected"), TAGS, ids=[case[0] for case in TAGS])
def test_tags_make_routers(
    name: str, tags: list[str], options: dict[str, Any], expected: dict[str, str]
) -> None:
    found = configuration([instance(1, *tags)], **options)
    assert rules(found) == expected
    assert [each for each in found.diagnostics if each.severity != "note"] == []


def test_the_reason_why_a_service_is_not_routed_is_reported() -> None:
    (note,) = configuration([instance(1, "web.enable=false")], prefix="web").diagnostics
    assert (note.subject, note.message) == ("service hello", "not routed: tag web.enable says so")


def test_every_instance_is_a_server_with_its_own_weight_and_protocol() -> None:
    found = configuration(
        [
            instance(1, "traefik.weight=3", "traefik.protocol=https", port=443),
            instance(2, weight=5),
            Member(instance(3, weight=5, warning_weight=2), "warning"),
        ],
        domain="x",
    )
    assert [(each.name, each.url, each.weight) for each in servers(found)] == [
        ("node/hello-1", "https://10.0.0.1:443", 3),
        ("node/hello-2", "http://10.0.0.2:80", 5),
        ("node/hello-3", "http://10.0.0.3:80", 2),
    ]


def test_consuls_weights_apply_in_traefik_3s_dialect_too() -> None:
    found = configuration(
        [
            instance(1, "traefik.http.services.hello.loadbalancer.server.port=81", weight=4),
            instance(2, "traefik.http.services.hello.loadbalancer.server.port=81"),
        ]
    )
    assert [(each.port, each.weight) for each in servers(found)] == [(81, 4), (81, 1)]


STATES = [
    ("passing", V1, ServerState.UP),
    ("warning", V1, ServerState.DRAINING),
    ("warning", {}, ServerState.UP),
    ("critical", {}, ServerState.DRAINING),
    ("maintenance", {}, ServerState.DRAINING),
    ("critical", {"strict_checks": ("passing", "critical")}, ServerState.UP),
]


@pytest.mark.parametrize(("status", "options", "state"), STATES)
def test_an_instance_takes_requests_while_its_status_is_among_strict_checks(
    status: str, options: dict[str, Any], state: ServerState
) -> None:
    found = configuration([instance(1), Member(instance(2), status)], **options)
    assert [each.state for each in servers(found)] == [ServerState.UP, state]


@pytest.mark.parametrize(
    "tags",
    [
        ("traefik.weight=3",),
        (
            "traefik.http.routers.hello.rule=Host(`a`)",
            "traefik.http.services.hello.loadbalancer.server.weight=3",
        ),
    ],
)
def test_an_unhealthy_instance_takes_no_requests_even_if_it_is_the_only_one(
    tags: tuple[str, ...],
) -> None:
    out = configuration([Member(instance(1, *tags), "critical"), Member(instance(2), "maintenance")], **V1)
    assert {(each.state, each.weight) for each in servers(out)} == {(ServerState.DRAINING, 0)}
    (diagnostic,) = [each for each in out.diagnostics if each.subject == "service hello@consulcatalog"]
    assert "node/hello-1 (critical), node/hello-2 (maintenance)" in diagnostic.message

    back = configuration([Member(instance(1, *tags), "critical"), instance(2)], **V1)
    assert [each.weight for each in servers(back)] == [0, 1]
    assert not any("takes requests" in each.message for each in back.diagnostics)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("traefik.frontend.rule=Host:old", "traefik.frontend.rule=Host:new"),
        ("traefik.http.routers.a.rule=Host(`old`)", "traefik.http.routers.a.rule=Host(`new`)"),
    ],
)
def test_the_tags_of_an_unhealthy_instance_do_not_count(old: str, new: str) -> None:
    found = configuration([instance(1, old), Member(instance(2, new), "critical")], **V1)
    (rule,) = rules(found)
    assert "old" in rule
    assert len(servers(found)) == 2
    assert found.diagnostics == ()


def test_tags_of_the_instances_of_a_service_are_united_in_traefik_1() -> None:
    found = configuration(
        [
            instance(1, "traefik.frontend.rule=Host:a"),
            instance(2, "traefik.frontend.priority=9"),
            instance(3),
        ],
        **V1,
    )
    (router,) = found.routers.values()
    assert (router.rule.text, router.priority) == ("Host:a", 9)
    assert len(servers(found)) == 3


def test_if_tags_differ_the_latest_win_with_a_warning() -> None:
    found = configuration(
        [
            instance(2, "traefik.frontend.rule=Host:new"),
            instance(1, "traefik.frontend.rule=Host:old"),
        ],
        **V1,
    )
    assert rules(found) == {"Host:new": "hello"}
    (diagnostic,) = found.diagnostics
    assert "node/hello-1" in diagnostic.message
    assert "'Host:new'" in diagnostic.message


def test_a_bad_tag_affects_only_itself() -> None:
    found = configuration(
        [instance(1, "web.weight=heavy", "web.frontend.rule=Host:a")], **{**V1, "prefix": "web"}
    )
    assert rules(found) == {"Host:a": "hello"}
    (diagnostic,) = found.diagnostics
    assert "tag web.weight" in diagnostic.message


def test_equal_diagnostics_of_several_instances_are_reported_once() -> None:
    found = configuration([instance(number, "traefik.frontend.priority=x") for number in (1, 2, 3)], **V1)
    assert len(found.diagnostics) == 1


def test_a_bad_template_leaves_out_only_its_router() -> None:
    found = configuration(
        [instance(1, "traefik.frontend.rule=Host:{{.Nothing}}", "traefik.frontends.b.rule=Host:b")], **V1
    )
    assert rules(found) == {"Host:b": "hello"}
    (diagnostic,) = found.diagnostics
    assert "unknown field .Nothing" in diagnostic.message


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_service_without_a_valid_port_is_reported(port: int) -> None:
    found = configuration([instance(1, port=port)], **V1)
    assert found.routers == {}
    assert any("port" in each.message for each in found.diagnostics)


@pytest.mark.parametrize("address", ["", "10.0.0.1 x", "10.0.0.1\r\nX: y", "a/b", "a..b"])
def test_a_service_without_a_valid_address_is_reported(address: str) -> None:
    found = configuration([instance(1, address=address)], **V1)
    assert found.routers == {}
    assert any("address" in each.message for each in found.diagnostics)


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "node_1.Example", "localhost"])
def test_registered_addresses_and_names_are_used_as_they_are(address: str) -> None:
    (server,) = servers(configuration([instance(1, address=address)], **V1))
    assert server.host == address


def test_a_udp_port_of_registrator_takes_no_requests() -> None:
    tags = ("traefik.frontend.rule=Host:a",)
    dns = Instance("node", "host:shop:53:udp", "shop-53", "10.0.0.1", 53, tags)
    found = configuration([dns], **V1)
    assert found.routers == {}
    assert "speaks UDP" in found.diagnostics[0].message
    web = Instance("node", "host:shop:80", "shop-80", "10.0.0.1", 80, tags)
    assert rules(configuration([web], **V1)) == {"Host:a": "shop-80"}


LAYER4 = (
    "traefik.tcp.routers.db.rule=HostSNI(`*`)",
    "traefik.tcp.services.db.loadbalancer.server.tls=true",
    "traefik.udp.routers.dns.entrypoints=dns",
)


def test_tags_for_tcp_and_udp_are_read_and_give_no_router_for_http() -> None:
    found = configuration([instance(1, *LAYER4, port=53), instance(2, *LAYER4, port=53)], **V1)
    assert (found.routers, found.services, found.diagnostics) == ({}, {}, ())
    assert found.tcp_routers["db@consulcatalog"].service == "db@consulcatalog"
    addresses = [server.address for server in found.tcp_services["db@consulcatalog"].servers]
    assert addresses == ["10.0.0.1:53", "10.0.0.2:53"]
    assert found.udp_routers["dns@consulcatalog"].entry_points == ("dns",)
    assert len(found.udp_services["hello@consulcatalog"].servers) == 2


def test_an_unhealthy_instance_is_no_server_of_tcp_and_udp() -> None:
    failing = Member(instance(1, *LAYER4), "critical")
    found = configuration([failing, instance(2, *LAYER4)])
    assert [each.name for each in found.tcp_services["db@consulcatalog"].servers] == ["node/hello-2"]
    assert [each.name for each in found.udp_services["hello@consulcatalog"].servers] == ["node/hello-2"]
    alone = configuration([failing])
    assert alone.tcp_services["db@consulcatalog"].servers == ()
    assert {each.subject for each in alone.diagnostics} == {
        "TCP service db@consulcatalog",
        "UDP service hello@consulcatalog",
    }


def test_only_tags_for_udp_count_for_a_udp_port_of_registrator() -> None:
    tags = (*LAYER4, "traefik.http.routers.w.rule=Host(`w`)", "traefik.frontend.rule=Host:w")
    dns = Instance("node", "host:shop:53:udp", "shop-53", "10.0.0.1", 53, tags)
    found = configuration([dns])
    assert (found.routers, found.tcp_routers, len(found.udp_routers)) == ({}, {}, 1)


def test_a_service_with_a_space_in_its_name_is_skipped() -> None:
    found = configuration([instance(1, service="hello world")], **V1)
    assert found.routers == {}
    assert "space" in found.diagnostics[0].message


@pytest.mark.parametrize("prefix", ["traefik", "web"])
@pytest.mark.parametrize("label", LABELS)
def test_no_tag_of_traefik_1s_reference_is_unknown(label: str, prefix: str) -> None:
    found = configuration([instance(1, f"{prefix}.{label}=42")], **V1, prefix=prefix)
    assert [item.message for item in found.diagnostics if item.message.endswith("is unknown")] == []
