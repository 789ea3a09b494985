"""The request flow of the dashboard, for objects that multiply."""

from proxy.admin.pages.request_flow import MAX_SERVICES, FlowSources, ServiceNode, build_request_flow
from proxy.admin.views.routers import RouterView
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Server, Service

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
