"""The request flow of the dashboard: parents and children of a router, and objects that multiply."""

from collections.abc import Iterable
from pathlib import Path

from proxy.admin.pages.request_flow import (
    MAX_SERVICES,
    FlowSources,
    RouterNode,
    ServiceNode,
    build_request_flow,
)
from proxy.admin.pages.router_layers import MAX_SHOWN, NO_LAYERS, find_layers
from proxy.admin.views.object_status import WITHOUT_ERRORS
from proxy.admin.views.routers import RouterView, router_view
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.settings import load

ROUTER = RouterView("r@file", "file", middlewares=("m0",), service="s0")


def count_services(service: ServiceNode) -> int:
    return 1 + sum(map(count_services, service.members))


def test_nested_chains_are_shown_up_to_the_limit_of_the_proxy() -> None:
    chains = {f"m{n}": Middleware(f"m{n}", "chain", {"middlewares": [f"m{n + 1}"] * 2}) for n in range(60)}
    flow = build_request_flow(ROUTER, FlowSources({}, {}, chains))
    assert len(flow.middlewares) == MAX_MIDDLEWARES
    service = Service("s0", middlewares=("m0",))
    beyond = build_request_flow(ROUTER, FlowSources({}, {"s0": service}, chains)).service
    assert beyond is not None
    assert len(beyond.middlewares) == MAX_MIDDLEWARES


def test_nested_services_are_shown_up_to_a_limit() -> None:
    services = {
        f"s{n}": Service(f"s{n}", composition="weighted", members=(Member(f"s{n + 1}"),) * 30)
        for n in range(30)
    }
    service = build_request_flow(ROUTER, FlowSources({}, services, {})).service
    assert service is not None
    assert count_services(service) == MAX_SERVICES + 1
    assert service.more == 30 - len(service.members) > 0


def test_a_small_flow_is_shown_completely() -> None:
    services = {
        "s0": Service("s0", composition="weighted", members=(Member("s1", 3), Member("none"))),
        "s1": Service("s1"),
    }
    service = build_request_flow(ROUTER, FlowSources({}, services, {"m0": Middleware("m0", "retry")})).service
    assert service is not None
    assert [(member.name, member.weight, member.fault) for member in service.members] == [
        ("s1", 3, "it has no servers"),
        ("none", 1, "it does not exist"),
    ]
    assert service.more == 0


def layer(name: str, *parents: str, service: str = "", **options: object) -> Router:
    return Router(name, v3.parse("PathPrefix(`/`)"), service, 1, parents=parents, **options)  # type: ignore[arg-type]


LAYERS = {
    each.name: each
    for each in (
        layer("root@file", middlewares=("m@file",)),
        layer("other@file"),
        layer("middle@file", "root@file", "other@file"),
        *(layer(f"leaf{number:02}@file", "middle@file", service="s@file") for number in range(MAX_SHOWN + 2)),
        layer("plain@file", service="s@file"),
    )
}


def names(routers: Iterable[Router | RouterNode]) -> list[str]:
    return [each.name.removesuffix("@file") for each in routers]


def test_the_layers_around_a_router_are_found() -> None:
    middle = find_layers("middle@file", LAYERS, LAYERS.values())
    assert (names(middle.parents), names(middle.roots)) == (["root", "other"], ["root", "other"])
    assert (names(middle.children)[:2], len(middle.children), middle.more) == (
        ["leaf00", "leaf01"],
        MAX_SHOWN,
        2,
    )
    leaf = find_layers("leaf00@file", LAYERS, LAYERS.values())
    assert names(leaf.parents) == ["middle", "root", "other"]
    assert (names(leaf.roots), leaf.children) == (["root", "other"], ())
    root = find_layers("root@file", LAYERS, LAYERS.values())
    assert (root.parents, names(root.children)) == ((), ["middle"])
    for name in ("plain@file", "unknown@file"):
        assert find_layers(name, LAYERS, LAYERS.values()) == NO_LAYERS


def test_parents_in_a_circle_are_each_shown_once() -> None:
    circle = {name: layer(name, above) for name, above in (("a", "b"), ("b", "a"))}
    assert names(find_layers("a", circle, circle.values()).parents) == ["b"]


def test_a_child_router_is_shown_with_the_entry_points_of_its_roots() -> None:
    view = router_view(LAYERS["leaf00@file"], WITHOUT_ERRORS, ("web",), {})
    assert (view.entry_points, view.using, view.parent_refs) == ((), (), ("middle@file",))
    settings = load(("--entryPoints.web.address=:80",), {}, Path("/nonexistent")).settings
    sources = FlowSources(settings.entry_points, {}, {"m@file": Middleware("m@file", "retry")})
    layers = find_layers("leaf00@file", LAYERS, LAYERS.values())
    flow = build_request_flow(view, sources, layers, ("web",))
    assert [each.name for each in flow.entry_points] == ["web"]
    assert [(each.name, [node.kind for node in each.middlewares]) for each in flow.parents] == [
        ("middle@file", []),
        ("root@file", ["retry"]),
        ("other@file", []),
    ]


def test_mirrors_are_shown_with_their_percentage() -> None:
    mirroring = Mirroring((Mirror("s1", 10), Mirror("s2")))
    service = Service("s0", composition="mirroring", members=(Member("s1"),), mirroring=mirroring)
    shown = build_request_flow(ROUTER, FlowSources({}, {"s0": service}, {})).service
    assert shown is not None
    assert (shown.strategy, [member.name for member in shown.members]) == ("mirroring", ["s1"])
    assert [(mirror.name, mirror.percent) for mirror in shown.mirrors] == [("s1", 10), ("s2", 0)]


def test_a_server_may_be_ejected_from_one_of_its_services_or_from_all() -> None:
    servers = (Server("a", "h", 1), Server("b", "h", 2))
    members = (Member("s1"), Member("s2"))
    services = {
        "s0": Service("s0", composition="weighted", members=members),
        "s1": Service("s1", servers),
        "s2": Service("s2", servers),
    }
    sources = FlowSources({}, services, {}, {"http://h:1 s1", "http://h:2"})
    shown = build_request_flow(ROUTER, sources).service
    assert shown is not None
    assert [server.state for server in shown.all_servers()] == ["ejected", "ejected", "up", "ejected"]
