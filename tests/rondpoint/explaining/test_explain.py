"""Why a request is routed as it is, by values alone."""

import pytest

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.active_configuration import Configured
from rondpoint.explaining.explain import LISTED, explain_request
from rondpoint.explaining.explanation import Balancing, Explanation
from rondpoint.model import (
    Composition,
    Member,
    Middleware,
    Router,
    Server,
    ServerState,
    Service,
    StickyCookie,
)
from rondpoint.rules import v3
from rondpoint.rules.request_facts import Facts

DOWN = Server("d", "h", 2, state=ServerState.DOWN)
ASKED = Facts("a.test", "/x")


def router(name: str, rule: str, priority: int = 1, **options: object) -> Router:
    return Router(name, v3.parse(rule), "s", priority, **options)  # type: ignore[arg-type]


def made(
    composition: Composition, *members: str, name: str = "s", middlewares: tuple[str, ...] = ()
) -> Service:
    return Service(
        name, composition=composition, members=tuple(map(Member, members)), middlewares=middlewares
    )


def explained(
    *routers: Router,
    facts: Facts = ASKED,
    services: tuple[Service, ...] = (Service("s", (Server("one", "10.0.0.1", 80),)),),
    middlewares: tuple[Middleware, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
    entry_point: str = "web",
) -> Explanation:
    configured = Configured(
        {each.name: each for each in routers},
        {each.name: each for each in services},
        {each.name: each for each in middlewares},
        diagnostics,
        ("web",),
    )
    return explain_request(configured, entry_point, facts)


def test_candidates_are_told_in_order_with_what_fails_in_each() -> None:
    way = explained(
        router("low", "Host(`a.test`)", 1),
        router("method", "Host(`a.test`) && Method(`POST`) && Path(`/x`)", 9),
        router("either", "PathPrefix(`/y`) || Query(`a`, `b`)", 8),
        router("not", "!PathPrefix(`/x`)", 7),
        router("other", "Host(`b.test`)", 6),
        router("elsewhere", "Host(`a.test`)", 5, entry_points=("other",)),
        router("never", "Host(`a.test`)", 0),
    )
    assert [(candidate.router, candidate.failed) for candidate in way.candidates] == [
        ("method", ("Method(`POST`)",)),
        ("either", ("PathPrefix(`/y`)", "Query(`a`, `b`)")),
        ("not", ("!PathPrefix(`/x`)",)),
        ("low", ()),
    ]
    assert (way.router, way.service, way.status) == ("low", "s", 0)
    assert [server.url for server in way.servers] == ["http://10.0.0.1:80"]


def test_chains_that_multiply_are_told_at_once() -> None:
    chains = [Middleware(f"c{n}", "chain", {"middlewares": [f"c{n + 1}"] * 2}) for n in range(60)]
    way = explained(
        router("r", "Host(`a.test`)", middlewares=("c0",)), middlewares=(*chains, Middleware("c60", "retry"))
    )
    assert (way.status, way.reason) == (
        503,
        "there are more than 200 middlewares, those within chains included",
    )


@pytest.mark.parametrize(
    ("middlewares", "reason"),
    [
        ((), "middleware m does not exist"),
        ((Middleware("m", "compress"),), "of kind compress, which is not served yet"),
        ((Middleware("m", "addPrefix", unusable=True),), "could not be read"),
        ((Middleware("m", "chain", {"middlewares": ["m"]}),), "a part of itself"),
        ((Middleware("m", "chain", {"middlewares": ["n"]}),), "middleware n does not exist"),
    ],
)
def test_a_middleware_that_stops_a_router_is_told(middlewares: tuple[Middleware, ...], reason: str) -> None:
    way = explained(router("r", "Host(`a.test`)", middlewares=("m",)), middlewares=middlewares)
    assert (way.status, way.router) == (503, "r")
    assert reason in way.reason


@pytest.mark.parametrize(
    ("services", "status", "reason"),
    [
        ((), 503, "service s does not exist"),
        ((Service("s"),), 503, "no server that takes requests"),
        (
            (Service("s", unserved="weighted is not served yet"),),
            503,
            "service s: weighted is not served yet",
        ),
        ((Service("s", (Server("a", "h", 1, weight=0),)),), 503, "no server that takes requests"),
        ((Service("s", (Server("a", "h", 1, state=ServerState.DRAINING),)),), 0, "every server is leaving"),
        ((Service("s", (DOWN,)),), 503, "every server of service s is down"),
        ((Service("s", (DOWN, Server("a", "h", 1, weight=0))),), 503, "every server of service s is down"),
        ((Service("s", (DOWN, Server("a", "h", 1))),), 0, ""),
    ],
)
def test_a_service_that_cannot_serve_is_told(services: tuple[Service, ...], status: int, reason: str) -> None:
    way = explained(router("r", "Host(`a.test`)"), services=services)
    assert way.status == status
    assert reason in way.reason


def test_what_is_known_of_its_servers_is_told() -> None:
    down = Diagnostic(Severity.WARNING, "file", "service s", "server http://h:2 is down: status 500", "wait")
    other = Diagnostic(Severity.WARNING, "file", "service other", "odd")
    way = explained(
        router("r", "Host(`a.test`)"), services=(Service("s", (DOWN,)),), diagnostics=(down, other)
    )
    assert way.findings == ("server http://h:2 is down: status 500 (wait)",)
    assert [server.state for server in way.servers] == ["down"]


@pytest.mark.parametrize(
    ("server", "subject", "severity", "told"),
    [
        ("shop", "container shop", Severity.WARNING, True),
        ("shop:81", "container shop", Severity.ERROR, True),
        ("node/shop-1", "service shop, instance node/shop-1", Severity.WARNING, True),
        ("shop", "container shop", Severity.NOTE, False),
        ("shop", "container shop-2", Severity.WARNING, False),
        ("shop", "service shop, instance node/shop", Severity.WARNING, False),
    ],
)
def test_what_is_wrong_with_the_containers_that_serve_is_told(
    server: str, subject: str, severity: Severity, told: bool
) -> None:
    found = Diagnostic(severity, "docker", subject, "it has no address in network back, so front is used")
    serving = Service("s", (Server(server, "h", 1),))
    way = explained(router("r", "Host(`a.test`)"), services=(serving,), diagnostics=(found,))
    assert way.findings == (f"{subject}: {found.message}",) * told


def test_how_a_server_is_chosen_is_told() -> None:
    server = Server("a", "h", 1)
    plain = explained(router("r", "Host(`a.test`)"), services=(Service("s", (server,)),))
    assert plain.balancing == Balancing("wrr")
    kept = Service("s", (server,), strategy="p2c", sticky=StickyCookie("stay"), slow_start=30.0)
    way = explained(router("r", "Host(`a.test`)"), services=(kept,))
    assert way.balancing == Balancing("p2c", "stay", 30.0)
    named = Service("s", (server,), sticky=StickyCookie())
    way = explained(router("r", "Host(`a.test`)"), services=(named,))
    assert way.balancing == Balancing("wrr", StickyCookie().called("s"))


def test_the_servers_of_a_service_made_of_services_are_told() -> None:
    one, two, never = Server("a", "h", 1), Server("b", "h", 2), Server("c", "h", 3)
    members = (Member("t", 3), Member("u"), Member("v", 0))
    app = Service("s", composition="weighted", members=members)
    way = explained(
        router("r", "Host(`a.test`)"),
        services=(app, Service("t", (one,)), Service("u", (two,)), Service("v", (never,))),
    )
    assert way.balancing == Balancing("weighted")
    assert [(member.service, member.weight) for member in way.members] == [("t", 3), ("u", 1), ("v", 0)]
    assert [server.name for server in way.servers] == ["a", "b"]
    circle = Service("s", composition="failover", members=(Member("s"), Member("gone")))
    way = explained(router("r", "Host(`a.test`)"), services=(circle,))
    assert (way.status, way.reason) == (503, "service s has no server that takes requests")


UP = (Server("a", "h", 1),)
BAD, GOOD = ("compress",), ("strip",)
GUARDED, OPEN = Service("t", UP, middlewares=BAD), Service("u", UP)


@pytest.mark.parametrize(
    ("services", "told", "reason"),
    [
        ((made("weighted", "t"), Service("t", UP, middlewares=GOOD)), [], ""),
        ((made("weighted", "t"), GUARDED), ["t"], "service t: middleware compress is of"),
        ((made("weighted", "t", "u"), GUARDED, OPEN), ["t"], ""),
        ((made("failover", "u", "t"), GUARDED, OPEN), ["t"], ""),
        ((made("failover", "t", "u"), GUARDED, OPEN), ["t"], "service t: "),
        ((made("failover", "u", "t"), GUARDED, Service("u", (DOWN,))), ["t"], "service t: "),
        ((made("failover", "t", "u"), Service("t", middlewares=BAD), OPEN), ["t"], ""),
        ((made("weighted", "v"), made("failover", "t", name="v"), GUARDED), ["t"], "service t: "),
        (
            (made("weighted", "v"), made("failover", "u", name="v", middlewares=BAD), OPEN),
            ["v"],
            "service v: ",
        ),
    ],
)
def test_middlewares_before_members_are_looked_at(
    services: tuple[Service, ...], told: list[str], reason: str
) -> None:
    middlewares = (
        Middleware("compress", "compress"),
        Middleware("strip", "stripPrefix", {"prefixes": ["/a"]}),
    )
    way = explained(router("r", "Host(`a.test`)"), services=services, middlewares=middlewares)
    assert way.status == (503 if reason else 0)
    assert way.reason.startswith(reason)
    assert [finding.partition(":")[0] for finding in way.findings] == [f"service {name}" for name in told]
    inner = {service.name: service.middlewares for service in services}
    assert {member.service: member.middlewares for member in way.members} == {
        member.service: inner[member.service] for member in way.members
    }


def test_services_of_services_that_multiply_are_told_at_once() -> None:
    inner = [
        made("weighted", f"s{n + 1}", f"t{n + 1}", name=f"{kind}{n}") for n in range(60) for kind in "st"
    ]
    ends = [Service(f"{kind}60", UP, middlewares=BAD) for kind in "st"]
    top = made("weighted", "s0", "t0")
    way = explained(router("r", "Host(`a.test`)"), services=(top, *inner, *ends))
    assert len(way.findings) == 2


def test_what_may_have_been_meant_is_told_where_nothing_holds() -> None:
    diagnostics = (
        Diagnostic(
            Severity.ERROR, "docker", "container shop", "not routed: it exposes no port", "expose one"
        ),
        Diagnostic(Severity.ERROR, "docker", "container other", "not routed: unhealthy"),
    )
    way = explained(
        router("web@docker", "Host(`shop.example.com`)"),
        facts=Facts("shop.exmple.com"),
        diagnostics=diagnostics,
    )
    assert (way.status, way.router, way.candidates) == (404, "", ())
    assert [(near.name, near.reason) for near in way.nearby] == [
        ("container shop", "not routed: it exposes no port (expose one)"),
        ("web@docker", "serves shop.example.com"),
    ]
    way = explained(router("web@docker", "Host(`a.test`) && Path(`/y`)"))
    assert [near.reason for near in way.nearby] == ["serves this host, but not this request"]


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("pay.shop.test", True),
        ("shop.test", False),
        ("ay.shop.test", False),
        ("pay.shop.tes", False),
        ("pay.shop.test.x", False),
    ],
)
def test_a_container_that_is_left_alone_is_found_by_the_host_it_would_serve(host: str, told: bool) -> None:
    hint = "it would serve Host:Pay.shop.test;PathPrefix:/x"
    note = Diagnostic(Severity.NOTE, "docker", "container web-3", "not routed: its health is unhealthy", hint)
    way = explained(facts=Facts(host), diagnostics=(note,))
    assert [near.name for near in way.nearby] == ["container web-3"] * told


@pytest.mark.parametrize(
    ("rule", "host", "told"),
    [
        ("PathPrefix(`/`)", "shop.test", ["container shop"]),
        ("HostRegexp(`^.+$`)", "shop.test", ["container shop"]),
        ("PathPrefix(`/`)", "other.test", []),
        ("Host(`shop.test`) || Host(`other.test`)", "shop.test", []),
    ],
)
def test_what_does_not_serve_a_host_is_told_beside_a_router_for_any_host(
    rule: str, host: str, told: list[str]
) -> None:
    fault = Diagnostic(Severity.ERROR, "docker", "container shop", "its rule cannot be read")
    way = explained(router("any", rule), facts=Facts(host), diagnostics=(fault,))
    assert (way.status, way.router) == (0, "any")
    assert [near.name for near in way.nearby] == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("frontends.shop has no rule", True),
        ('http.routers.Shop.rule="x" is not valid', True),
        ("backends.shop-2 has no servers", False),
        ("label traefik.shop.port is unknown", False),
    ],
)
def test_what_a_message_says_of_an_object_is_found_by_its_name(message: str, told: bool) -> None:
    way = explained(
        facts=Facts("shop.test"), diagnostics=(Diagnostic(Severity.ERROR, "consul", "keys", message),)
    )
    assert [near.reason for near in way.nearby] == [message] * told


def test_a_provider_that_cannot_read_its_source_is_told_for_any_host_that_nothing_serves() -> None:
    fault = Diagnostic(Severity.WARNING, "consul", "provider consul", "Consul refuses", "it is tried again")
    assert [(near.name, near.reason) for near in explained(diagnostics=(fault,)).nearby] == [
        ("provider consul", "Consul refuses")
    ]
    assert explained(router("r", "Host(`a.test`)"), diagnostics=(fault,)).nearby == ()


def test_a_rule_that_cannot_be_read_is_shown_with_the_place_of_the_fault() -> None:
    fault = Diagnostic(Severity.ERROR, "docker", "container a", "bad", excerpt="  Hots(`a`)\n  ^")
    (near,) = explained(diagnostics=(fault,)).nearby
    assert near.excerpt == "  Hots(`a`)\n  ^"


def test_a_router_on_other_entry_points_says_so() -> None:
    way = explained(router("r", "Host(`a.test`)", tls=True))
    assert [near.reason for near in way.nearby] == [
        "serves this host, but not without TLS, which entry point web does not speak"
    ]
    way = explained(router("r", "Host(`a.test`)", entry_points=("other",)))
    assert [near.reason for near in way.nearby] == ["serves this host, but not on entry point web"]


def test_of_very_many_candidates_the_last_are_listed() -> None:
    many = [router(f"r{number:04}", "PathPrefix(`/none`)", 5) for number in range(LISTED + 7)]
    way = explained(*many, router("last", "Host(`a.test`)"))
    assert (len(way.candidates), way.omitted) == (LISTED, 8)
    assert way.candidates[-1].router == way.router == "last"
