"""Explanations of requests, with values alone."""

import pytest
from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.entry_points.options import EntryPointOptions
from rondpoint.entry_points.redirection import Redirection
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import MAX_LISTED, explain_request
from rondpoint.explaining.explanation import Balancing, Explanation
from rondpoint.model import (
    Composition,
    Member,
    Middleware,
    Mirror,
    Mirroring,
    Router,
    Server,
    ServerState,
    Service,
    StickyCookie,
)
from rondpoint.rules import v3
from rondpoint.rules.request_facts import Facts

DOWN = Server("d", "h", 2, state=ServerState.DOWN)
REQUEST = Facts("a.test", "/x")


def router(name: str, rule: str, priority: int = 1, **options: object) -> Router:
    return Router(name, v3.parse(rule), "s", priority, **options)  # type: ignore[arg-type]


def composite(
    composition: Composition, *members: str, name: str = "s", middlewares: tuple[str, ...] = ()
) -> Service:
    return Service(
        name, composition=composition, members=tuple(map(Member, members)), middlewares=middlewares
    )


def explained(
    *routers: Router,
    facts: Facts = REQUEST,
    services: tuple[Service, ...] = (Service("s", (Server("one", "10.0.0.1", 80),)),),
    middlewares: tuple[Middleware, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
    entry_point: str = "web",
) -> Explanation:
    configuration = ActiveConfiguration(
        {each.name: each for each in routers},
        {each.name: each for each in services},
        {each.name: each for each in middlewares},
        diagnostics,
        ("web",),
    )
    return explain_request(configuration, entry_point, facts)


def test_candidates_are_listed_in_order_with_the_matchers_that_failed() -> None:
    explanation = explained(
        router("low", "Host(`a.test`)", 1),
        router("method", "Host(`a.test`) && Method(`POST`) && Path(`/x`)", 9),
        router("either", "PathPrefix(`/y`) || Query(`a`, `b`)", 8),
        router("not", "!PathPrefix(`/x`)", 7),
        router("other", "Host(`b.test`)", 6),
        router("elsewhere", "Host(`a.test`)", 5, entry_points=("other",)),
        router("never", "Host(`a.test`)", 0),
    )
    assert [(candidate.router, candidate.failed) for candidate in explanation.candidates] == [
        ("method", ("Method(`POST`)",)),
        ("either", ("PathPrefix(`/y`)", "Query(`a`, `b`)")),
        ("not", ("!PathPrefix(`/x`)",)),
        ("low", ()),
    ]
    assert (explanation.router, explanation.service, explanation.status) == ("low", "s", 0)
    assert [server.url for server in explanation.servers] == ["http://10.0.0.1:80"]


def test_multiplying_chains_are_explained_quickly() -> None:
    chains = [Middleware(f"c{n}", "chain", {"middlewares": [f"c{n + 1}"] * 2}) for n in range(60)]
    explanation = explained(
        router("r", "Host(`a.test`)", middlewares=("c0",)), middlewares=(*chains, Middleware("c60", "retry"))
    )
    assert (explanation.status, explanation.reason) == (
        503,
        "there are more than 200 middlewares, those within chains included",
    )


@pytest.mark.parametrize(
    ("middlewares", "reason"),
    [
        ((), "middleware m does not exist"),
        ((Middleware("m", "later"),), "of kind later, which is not served yet"),
        ((Middleware("m", "addPrefix", unusable=True),), "could not be read"),
        ((Middleware("m", "chain", {"middlewares": ["m"]}),), "a part of itself"),
        ((Middleware("m", "errors", {"status": ["500"], "service": "t"}),), "m: service t does not exist"),
        ((Middleware("m", "chain", {"middlewares": ["n"]}),), "middleware n does not exist"),
    ],
)
def test_a_middleware_that_blocks_a_router_is_the_reason(
    middlewares: tuple[Middleware, ...], reason: str
) -> None:
    explanation = explained(router("r", "Host(`a.test`)", middlewares=("m",)), middlewares=middlewares)
    assert (explanation.status, explanation.router) == (503, "r")
    assert reason in explanation.reason


def test_a_middleware_whose_page_service_exists_blocks_nothing() -> None:
    pages = Middleware("m", "errors", {"status": ["500"], "service": "s"})
    explanation = explained(router("r", "Host(`a.test`)", middlewares=("m",)), middlewares=(pages,))
    assert (explanation.status, explanation.reason) == (0, "")


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
        ((Service("s", unserved="no such Service", responds_with=500),), 500, "service s: no such Service"),
        (
            (
                Service("s", composition="weighted", members=(Member("t"),)),
                Service("t", unserved="no such Service", responds_with=500),
            ),
            500,
            "service t: no such Service",
        ),
        ((Service("s", (Server("a", "h", 1, weight=0),)),), 503, "no server that takes requests"),
        ((Service("s", (Server("a", "h", 1, state=ServerState.DRAINING),)),), 0, "every server is draining"),
        ((Service("s", (DOWN,)),), 503, "every server of service s is down"),
        ((Service("s", (DOWN, Server("a", "h", 1, weight=0))),), 503, "every server of service s is down"),
        ((Service("s", (DOWN, Server("a", "h", 1))),), 0, ""),
    ],
)
def test_a_service_that_cannot_serve_is_the_reason(
    services: tuple[Service, ...], status: int, reason: str
) -> None:
    explanation = explained(router("r", "Host(`a.test`)"), services=services)
    assert explanation.status == status
    assert reason in explanation.reason


def test_diagnostics_of_the_service_are_listed() -> None:
    down = Diagnostic(Severity.WARNING, "file", "service s", "server http://h:2 is down: status 500", "wait")
    other = Diagnostic(Severity.WARNING, "file", "service other", "odd")
    explanation = explained(
        router("r", "Host(`a.test`)"), services=(Service("s", (DOWN,)),), diagnostics=(down, other)
    )
    assert explanation.diagnostics == ("server http://h:2 is down: status 500 (wait)",)
    assert [server.state for server in explanation.servers] == ["down"]


def test_diagnostics_of_the_router_and_its_parents_are_listed() -> None:
    resolver = Diagnostic(Severity.ERROR, "file", "router leaf", "there is no certificates resolver 'le'")
    parent = Diagnostic(Severity.WARNING, "file", "routes.yml", "odd", about="router root")
    other = Diagnostic(Severity.WARNING, "file", "router other", "odd, too")
    explanation = explained(
        replace(router("root", "Host(`a.test`)"), service=""),
        router("leaf", "PathPrefix(`/x`)", parents=("root",)),
        router("other", "Host(`b.test`)"),
        diagnostics=(resolver, parent, other),
    )
    assert explanation.router == "leaf"
    assert explanation.diagnostics == ("there is no certificates resolver 'le'", "odd")


def test_diagnostics_say_why_a_middleware_closes_the_router() -> None:
    lost = Diagnostic(
        Severity.ERROR, "docker", "middleware jump@docker", "entry point 'https' does not exist"
    )
    container = Diagnostic(Severity.ERROR, "docker", "container one", "label x is unknown")
    other = Diagnostic(Severity.ERROR, "docker", "middleware other@docker", "odd")
    explanation = explained(
        router("r", "Host(`a.test`)", middlewares=("jump@docker",)),
        middlewares=(Middleware("jump@docker", "redirectScheme", unusable=True),),
        diagnostics=(lost, container, other),
    )
    assert (explanation.status, explanation.reason) == (
        503,
        "middleware jump@docker has options that could not be read",
    )
    assert explanation.diagnostics == (
        "entry point 'https' does not exist",
        "container one: label x is unknown",
    )


@pytest.mark.parametrize(
    ("server", "subject", "severity", "expected"),
    [
        ("shop", "container shop", Severity.WARNING, True),
        ("shop:81", "container shop", Severity.ERROR, True),
        ("node/shop-1", "service shop, instance node/shop-1", Severity.WARNING, True),
        ("shop", "container shop", Severity.NOTE, False),
        ("shop", "container shop-2", Severity.WARNING, False),
        ("shop", "service shop, instance node/shop", Severity.WARNING, False),
    ],
)
def test_diagnostics_of_the_containers_of_the_servers_are_listed(
    server: str, subject: str, severity: Severity, expected: bool
) -> None:
    found = Diagnostic(severity, "docker", subject, "it has no address in network back, so front is used")
    serving = Service("s", (Server(server, "h", 1),))
    explanation = explained(router("r", "Host(`a.test`)"), services=(serving,), diagnostics=(found,))
    assert explanation.diagnostics == (f"{subject}: {found.message}",) * expected


def test_balancing_is_explained() -> None:
    server = Server("a", "h", 1)
    plain = explained(router("r", "Host(`a.test`)"), services=(Service("s", (server,)),))
    assert plain.balancing == Balancing("wrr")
    kept = Service("s", (server,), strategy="p2c", sticky=StickyCookie("stay"), slow_start=30.0)
    explanation = explained(router("r", "Host(`a.test`)"), services=(kept,))
    assert explanation.balancing == Balancing("p2c", "stay", 30.0)
    named = Service("s", (server,), sticky=StickyCookie())
    explanation = explained(router("r", "Host(`a.test`)"), services=(named,))
    assert explanation.balancing == Balancing("wrr", StickyCookie().name_for("s"))


def test_members_and_servers_of_a_composite_service_are_listed() -> None:
    one, two, never = Server("a", "h", 1), Server("b", "h", 2), Server("c", "h", 3)
    members = (Member("t", 3), Member("u"), Member("v", 0))
    app = Service("s", composition="weighted", members=members)
    explanation = explained(
        router("r", "Host(`a.test`)"),
        services=(app, Service("t", (one,)), Service("u", (two,)), Service("v", (never,))),
    )
    assert explanation.balancing == Balancing("weighted")
    assert [(member.service, member.weight) for member in explanation.members] == [
        ("t", 3),
        ("u", 1),
        ("v", 0),
    ]
    assert [server.name for server in explanation.servers] == ["a", "b"]
    circle = Service("s", composition="failover", members=(Member("s"), Member("gone")))
    explanation = explained(router("r", "Host(`a.test`)"), services=(circle,))
    assert (explanation.status, explanation.reason) == (503, "service s has no server that takes requests")


def test_mirrors_of_all_reached_services_are_listed_and_their_faults_told() -> None:
    mirroring = Mirroring((Mirror("v", 10), Mirror("w", 100)))
    copied = Service("t", composition="mirroring", members=(Member("u"),), mirroring=mirroring)
    explanation = explained(
        router("r", "Host(`a.test`)"),
        services=(
            composite("weighted", "t"),
            copied,
            Service("u", UP),
            Service("v", UP, middlewares=("strip",)),
            Service("w", UP, middlewares=("lost",)),
        ),
        middlewares=(Middleware("strip", "stripPrefix", {"prefixes": ["/a"]}),),
    )
    assert (explanation.status, [server.name for server in explanation.servers]) == (0, ["a"])
    assert [(each.service, each.of, each.percent, each.middlewares) for each in explanation.mirrors] == [
        ("v", "t", 10, ("strip",)),
        ("w", "t", 100, ("lost",)),
    ]
    assert explanation.diagnostics == ("service w: middleware lost does not exist: it gets no copies",)


UP = (Server("a", "h", 1),)
BAD, GOOD = ("later",), ("strip",)
GUARDED, OPEN = Service("t", UP, middlewares=BAD), Service("u", UP)


@pytest.mark.parametrize(
    ("services", "expected", "reason"),
    [
        ((composite("weighted", "t"), Service("t", UP, middlewares=GOOD)), [], ""),
        ((composite("weighted", "t"), GUARDED), ["t"], "service t: middleware later is of"),
        ((composite("weighted", "t", "u"), GUARDED, OPEN), ["t"], ""),
        ((composite("failover", "u", "t"), GUARDED, OPEN), ["t"], ""),
        ((composite("failover", "t", "u"), GUARDED, OPEN), ["t"], "service t: "),
        ((composite("failover", "u", "t"), GUARDED, Service("u", (DOWN,))), ["t"], "service t: "),
        ((composite("failover", "t", "u"), Service("t", middlewares=BAD), OPEN), ["t"], ""),
        ((composite("weighted", "v"), composite("failover", "t", name="v"), GUARDED), ["t"], "service t: "),
        (
            (composite("weighted", "v"), composite("failover", "u", name="v", middlewares=BAD), OPEN),
            ["v"],
            "service v: ",
        ),
    ],
)
def test_middlewares_before_members_are_checked(
    services: tuple[Service, ...], expected: list[str], reason: str
) -> None:
    middlewares = (
        Middleware("later", "later"),
        Middleware("strip", "stripPrefix", {"prefixes": ["/a"]}),
    )
    explanation = explained(router("r", "Host(`a.test`)"), services=services, middlewares=middlewares)
    assert explanation.status == (503 if reason else 0)
    assert explanation.reason.startswith(reason)
    assert [diagnostic.partition(":")[0] for diagnostic in explanation.diagnostics] == [
        f"service {name}" for name in expected
    ]
    inner = {service.name: service.middlewares for service in services}
    assert {member.service: member.middlewares for member in explanation.members} == {
        member.service: inner[member.service] for member in explanation.members
    }


def test_multiplying_composite_services_are_explained_quickly() -> None:
    inner = [
        composite("weighted", f"s{n + 1}", f"t{n + 1}", name=f"{kind}{n}") for n in range(60) for kind in "st"
    ]
    ends = [Service(f"{kind}60", UP, middlewares=BAD) for kind in "st"]
    top = composite("weighted", "s0", "t0")
    explanation = explained(router("r", "Host(`a.test`)"), services=(top, *inner, *ends))
    assert len(explanation.diagnostics) == 2


def test_without_a_matching_rule_suggestions_are_given() -> None:
    diagnostics = (
        Diagnostic(
            Severity.ERROR, "docker", "container shop", "not routed: it exposes no port", "expose one"
        ),
        Diagnostic(Severity.ERROR, "docker", "container other", "not routed: unhealthy"),
    )
    explanation = explained(
        router("web@docker", "Host(`shop.example.com`)"),
        facts=Facts("shop.exmple.com"),
        diagnostics=diagnostics,
    )
    assert (explanation.status, explanation.router, explanation.candidates) == (404, "", ())
    assert [(suggestion.name, suggestion.reason) for suggestion in explanation.suggestions] == [
        ("container shop", "not routed: it exposes no port (expose one)"),
        ("web@docker", "serves shop.example.com"),
    ]
    explanation = explained(router("web@docker", "Host(`a.test`) && Path(`/y`)"))
    assert [suggestion.reason for suggestion in explanation.suggestions] == [
        "serves this host, but not this request"
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("pay.shop.test", True),
        ("shop.test", False),
        ("ay.shop.test", False),
        ("pay.shop.tes", False),
        ("pay.shop.test.x", False),
    ],
)
def test_a_container_that_is_not_routed_is_found_by_the_host_it_would_serve(
    host: str, expected: bool
) -> None:
    hint = "it would serve Host:Pay.shop.test;PathPrefix:/x"
    note = Diagnostic(Severity.NOTE, "docker", "container web-3", "not routed: its health is unhealthy", hint)
    explanation = explained(facts=Facts(host), diagnostics=(note,))
    assert [suggestion.name for suggestion in explanation.suggestions] == ["container web-3"] * expected


@pytest.mark.parametrize(
    ("rule", "host", "expected"),
    [
        ("PathPrefix(`/`)", "shop.test", ["container shop"]),
        ("HostRegexp(`^.+$`)", "shop.test", ["container shop"]),
        ("PathPrefix(`/`)", "other.test", []),
        ("Host(`shop.test`) || Host(`other.test`)", "shop.test", []),
    ],
)
def test_a_router_for_any_host_comes_with_suggestions(rule: str, host: str, expected: list[str]) -> None:
    fault = Diagnostic(Severity.ERROR, "docker", "container shop", "its rule cannot be read")
    explanation = explained(router("any", rule), facts=Facts(host), diagnostics=(fault,))
    assert (explanation.status, explanation.router) == (0, "any")
    assert [suggestion.name for suggestion in explanation.suggestions] == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("frontends.shop has no rule", True),
        ('http.routers.Shop.rule="x" is not valid', True),
        ("backends.shop-2 has no servers", False),
        ("label traefik.shop.port is unknown", False),
    ],
)
def test_a_diagnostic_is_found_by_the_name_of_its_object(message: str, expected: bool) -> None:
    explanation = explained(
        facts=Facts("shop.test"), diagnostics=(Diagnostic(Severity.ERROR, "consul", "keys", message),)
    )
    assert [suggestion.reason for suggestion in explanation.suggestions] == [message] * expected


def test_a_failing_provider_is_suggested_for_any_host_that_no_router_serves() -> None:
    fault = Diagnostic(Severity.WARNING, "consul", "provider consul", "Consul refuses", "it is tried again")
    assert [
        (suggestion.name, suggestion.reason) for suggestion in explained(diagnostics=(fault,)).suggestions
    ] == [("provider consul", "Consul refuses")]
    assert explained(router("r", "Host(`a.test`)"), diagnostics=(fault,)).suggestions == ()


def test_an_invalid_rule_is_shown_with_the_position_of_the_error() -> None:
    fault = Diagnostic(Severity.ERROR, "docker", "container a", "bad", excerpt="  Hots(`a`)\n  ^")
    (suggestion,) = explained(diagnostics=(fault,)).suggestions
    assert suggestion.excerpt == "  Hots(`a`)\n  ^"


def test_a_router_on_other_entry_points_is_suggested() -> None:
    explanation = explained(router("r", "Host(`a.test`)", tls=True))
    assert [suggestion.reason for suggestion in explanation.suggestions] == [
        "serves this host, but not without TLS"
    ]
    explanation = explained(router("r", "Host(`a.test`)", entry_points=("other",)))
    assert [suggestion.reason for suggestion in explanation.suggestions] == [
        "serves this host, but not on entry point web"
    ]


def test_only_the_last_of_very_many_candidates_are_listed() -> None:
    many = [router(f"r{number:04}", "PathPrefix(`/none`)", 5) for number in range(MAX_LISTED + 7)]
    explanation = explained(*many, router("last", "Host(`a.test`)"))
    assert (len(explanation.candidates), explanation.omitted) == (MAX_LISTED, 8)
    assert explanation.candidates[-1].router == explanation.router == "last"


STRIP = Middleware("strip@file", "stripPrefix", {"prefixes": ["/a"]})
TO_SECURE = Redirection("web-to-secure@internal", "https, port 443", STRIP, permanent=True)


def explained_with(
    options: EntryPointOptions, *routers: Router, facts: Facts = REQUEST, closed: str = ""
) -> Explanation:
    """Return the explanation of a request on an entry point with these options."""
    configuration = ActiveConfiguration(
        {each.name: each for each in routers},
        {"s": Service("s", (Server("one", "10.0.0.1", 80),))},
        {STRIP.name: STRIP},
        (),
        ("web",),
        closed={"web": closed},
        entry_points={"web": options},
    )
    return explain_request(configuration, "web", facts)


def test_the_middlewares_of_the_entry_point_come_first() -> None:
    own = router("r", "Host(`a.test`)", middlewares=(STRIP.name,))
    found = explained_with(EntryPointOptions((STRIP.name, "no@file")), own)
    assert found.middlewares == (STRIP.name, "no@file", STRIP.name)
    assert (found.status, found.reason) == (503, "middleware no@file does not exist")
    assert explained_with(EntryPointOptions((STRIP.name,)), own).status == 0


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("HEAD", 308), ("POST", 308)])
def test_the_entry_point_redirects_whether_a_router_matches_or_not(method: str, status: int) -> None:
    options = EntryPointOptions(redirection=TO_SECURE)
    for routers in ((), (router("r", "Host(`a.test`)", 10**6),)):
        found = explained_with(options, *routers, facts=Facts("a.test", "/x", method))
        assert (found.router, found.service, found.middlewares) == (TO_SECURE.name, "", (STRIP.name,))
        assert (found.status, found.reason) == (status, "the entry point redirects to https, port 443")


def test_a_router_takes_acmes_challenges_before_the_redirection() -> None:
    options = EntryPointOptions(redirection=TO_SECURE)
    challenge = Facts("a.test", "/.well-known/acme-challenge/x")
    assert explained_with(options, router("r", "Host(`a.test`)"), facts=challenge).router == "r"
    assert explained_with(options, facts=challenge).router == TO_SECURE.name


def test_a_closed_entry_point_redirects_nothing() -> None:
    options = EntryPointOptions(redirection=TO_SECURE)
    found = explained_with(options, router("r", "Host(`a.test`)"), closed="it is closed")
    assert (found.router, found.status, found.reason) == ("r", 503, "it is closed")


ROOT = router("root", "Host(`a.test`)", middlewares=("m",))
M = Middleware("m", "addPrefix", {"prefix": "/y"})


def test_a_request_goes_from_a_parent_router_to_its_child() -> None:
    explanation = explained(
        replace(ROOT, service=""),
        router("one", "Path(`/y`)", 9, parents=("root",)),
        replace(router("two", "Path(`/x`)", 8, parents=("root",)), service=""),
        router("leaf", "PathPrefix(`/`)", parents=("two",), middlewares=("m",)),
        middlewares=(M,),
    )
    assert [(each.router, each.matches) for each in explanation.candidates] == [
        ("root", True),
        ("one", False),
        ("two", True),
        ("leaf", True),
    ]
    assert (explanation.parents, explanation.router) == (("root", "two"), "leaf")
    assert (explanation.middlewares, explanation.service) == (("m", "m"), "s")
    assert explanation.status == 0
    assert "child routers of two are tested with the request as given" in explanation.notes[0]


def test_a_child_router_takes_no_request_directly() -> None:
    explanation = explained(router("child", "Host(`a.test`)", parents=("root",)))
    assert (explanation.status, explanation.candidates, explanation.suggestions) == (404, (), ())


@pytest.mark.parametrize(
    ("child", "middlewares", "status", "reason"),
    [
        (router("c", "Path(`/y`)", parents=("root",)), (M,), 404, "no child router of root matches"),
        (router("c", "Path(`/x`)", parents=("root",)), (), 503, "middleware m does not exist"),
        (
            router("c", "Path(`/x`)", parents=("root",), middlewares=("n",)),
            (M,),
            503,
            "middleware n does not exist",
        ),
        (
            replace(router("c", "Path(`/x`)", parents=("root", "c")), service=""),
            (M,),
            503,
            "routers are nested 16 levels deep",
        ),
    ],
)
def test_a_request_that_no_child_router_takes(
    child: Router, middlewares: tuple[Middleware, ...], status: int, reason: str
) -> None:
    explanation = explained(replace(ROOT, service=""), child, middlewares=middlewares)
    assert (explanation.status, explanation.reason) == (status, reason)


@pytest.mark.parametrize(("service", "status"), [("ping@internal", 200), ("noop@internal", 418)])
def test_a_service_of_rondpoint_itself_responds_without_a_server(service: str, status: int) -> None:
    own = replace(router("r", "Host(`a.test`)"), service=service)
    explanation = explained(own, services=(Service(service),))
    assert (explanation.status, explanation.servers) == (status, ())
    assert explanation.reason.startswith("Rondpoint itself responds: ")


def test_one_that_is_off_responds_with_503() -> None:
    own = replace(router("r", "Host(`a.test`)"), service="api@internal")
    configuration = ActiveConfiguration(
        {"r": own},
        {"api@internal": Service("api@internal")},
        {},
        (),
        ("web",),
        internal_faults={"api@internal": "api is not set"},
    )
    explanation = explain_request(configuration, "web", REQUEST)
    assert (explanation.status, explanation.reason) == (503, "service api@internal: api is not set")
