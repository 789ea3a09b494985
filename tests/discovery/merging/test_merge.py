"""Merging of the providers' configurations, and resolving of their references."""

import pytest

from discovery.merging.merge import merge
from discovery.merging.name_hints import MAX_COMPARISONS
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Router, Server, Service
from rondpoint.rules.expression import Match, Rule

RULE = Rule("Host(`a.test`)", Match("Host", ("a.test",)))
ENTRY_POINTS = ("web", "internal")


def a_router(
    name: str, service: str, entry_points: tuple[str, ...] = (), middlewares: tuple[str, ...] = ()
) -> Router:
    return Router(name, RULE, service, 5, entry_points, middlewares)


def a_configuration(
    *objects: Router | Service | Middleware, diagnostics: tuple[Diagnostic, ...] = ()
) -> Configuration:
    def of(kind: type) -> dict[str, object]:
        return {each.name: each for each in objects if isinstance(each, kind)}

    return Configuration(of(Router), of(Service), of(Middleware), diagnostics)


def test_configurations_are_united() -> None:
    docker = a_configuration(a_router("a@docker", "a@docker"), Service("a@docker"))
    file = a_configuration(a_router("b@file", "b@file"), Service("b@file"), Middleware("m@file", "retry"))
    merged = merge({"docker": docker, "file": file}, ENTRY_POINTS)
    assert merged.routers == {**docker.routers, **file.routers}
    assert merged.services == {**docker.services, **file.services}
    assert merged.middlewares == file.middlewares
    assert merged.diagnostics == ()


def test_no_configurations_give_an_empty_one() -> None:
    assert merge({}, ENTRY_POINTS) == Configuration({}, {}, {}, ())


def test_references_cross_providers() -> None:
    docker = a_configuration(a_router("a@docker", "b@file", middlewares=("m@file",)))
    file = a_configuration(Service("b@file"), Middleware("m@file", "retry"))
    assert merge({"docker": docker, "file": file}, ENTRY_POINTS).routers == docker.routers


def test_a_missing_service_of_error_pages_is_reported() -> None:
    pages = Middleware("p@file", "errors", {"status": ["500"], "service": "pagse@docker"})
    known = Middleware("q@file", "errors", {"status": ["500"], "service": "pages@docker"})
    file = a_configuration(a_router("r@file", "pages@docker", middlewares=("p@file", "q@file")), pages, known)
    merged = merge({"docker": a_configuration(Service("pages@docker")), "file": file}, ENTRY_POINTS)
    assert merged.routers == file.routers
    assert merged.diagnostics == (
        Diagnostic(
            Severity.ERROR,
            "file",
            "middleware p@file",
            "its service 'pagse@docker' does not exist, so routers that use it respond with 503",
            "did you mean 'pages@docker'?",
        ),
    )


def test_middlewares_of_a_service_follow_those_of_its_routers() -> None:
    docker = a_configuration(
        a_router("a@docker", "b@file", middlewares=("m@file",)), a_router("c@docker", "b@file")
    )
    file = a_configuration(
        Service("b@file", middlewares=("n@file",)),
        Middleware("m@file", "retry"),
        Middleware("n@file", "retry"),
    )
    merged = merge({"docker": docker, "file": file}, ENTRY_POINTS)
    assert merged.routers["a@docker"].middlewares == ("m@file", "n@file")
    assert merged.routers["c@docker"].middlewares == ("n@file",)


def test_a_router_whose_service_has_a_middleware_that_does_not_exist_is_left_out() -> None:
    configuration = a_configuration(a_router("a@docker", "b@docker"), Service("b@docker", middlewares=("m",)))
    merged = merge({"docker": configuration}, ENTRY_POINTS)
    assert merged.routers == {}
    assert [item.message for item in merged.diagnostics] == [
        "left out, because its middleware 'm' does not exist"
    ]


def test_routers_may_name_the_services_of_rondpoint_itself() -> None:
    router = a_router("a@docker", "api@internal")
    merged = merge({"docker": a_configuration(router, Service("api@docker"))}, ENTRY_POINTS)
    assert merged.diagnostics == ()
    assert merged.routers == {router.name: router}
    assert merged.services["api@internal"] == Service("api@internal")


def test_a_name_that_is_none_of_them_gets_a_hint_with_all() -> None:
    merged = merge({"docker": a_configuration(a_router("a@docker", "apis@internal"))}, ENTRY_POINTS)
    (diagnostic,) = merged.diagnostics
    assert diagnostic.message == "left out, because its service 'apis@internal' does not exist"
    assert diagnostic.hint.startswith("routers may name api@internal, dashboard@internal")


def test_other_services_cannot_send_requests_to_them() -> None:
    service = Service("b@docker", composition="weighted", members=(Member("api@internal"),))
    merged = merge({"docker": a_configuration(a_router("a@docker", "b@docker"), service)}, ENTRY_POINTS)
    (diagnostic,) = merged.diagnostics
    assert "'api@internal' does not exist" in diagnostic.message
    assert diagnostic.hint.startswith("routers may name")


def composite_service(name: str, *members: str) -> Service:
    return Service(name, composition="weighted", members=tuple(Member(member) for member in members))


def test_composite_services_use_services_of_all_providers() -> None:
    app = composite_service("app@file", "a@docker", "b@file")
    file = a_configuration(app, Service("b@file"), a_router("r@file", "app@file"))
    merged = merge({"docker": a_configuration(Service("a@docker")), "file": file}, ENTRY_POINTS)
    assert merged.services["app@file"] is app
    assert (list(merged.routers), merged.diagnostics) == (["r@file"], ())


def test_a_member_that_does_not_exist_is_left_out_and_the_nearest_one_named() -> None:
    file = a_configuration(composite_service("app@file", "a@file", "aa@file"), Service("a@file"))
    merged = merge({"file": file}, ENTRY_POINTS)
    assert merged.services["app@file"] == composite_service("app@file", "a@file")
    (diagnostic,) = merged.diagnostics
    assert (diagnostic.source, diagnostic.subject) == ("file", "service app@file")
    assert diagnostic.message == "its service 'aa@file' does not exist and is left out"
    assert diagnostic.hint == "did you mean 'a@file'?"


def test_a_composite_service_without_members_is_unserved_and_its_routers_stay() -> None:
    file = a_configuration(composite_service("app@file", "gone@file"), a_router("r@file", "app@file"))
    merged = merge({"file": file}, ENTRY_POINTS)
    service = merged.services["app@file"]
    assert (service.members, bool(service.unserved)) == ((), True)
    assert list(merged.routers) == ["r@file"]


def test_a_service_is_no_member_of_itself() -> None:
    file = a_configuration(
        composite_service("a@file", "a@file", "s@file"),
        composite_service("b@file", "c@file", "s@file"),
        composite_service("c@file", "d@file"),
        composite_service("d@file", "b@file", "s@file"),
        composite_service("e@file", "b@file"),
        Service("s@file"),
    )
    merged = merge({"file": file}, ENTRY_POINTS)
    left = {name: [member.name for member in service.members] for name, service in merged.services.items()}
    assert left == {
        "a@file": ["s@file"],
        "b@file": ["s@file"],
        "c@file": [],
        "d@file": ["s@file"],
        "e@file": ["b@file"],
        "s@file": [],
    }
    assert [item.subject for item in merged.diagnostics] == [f"service {name}@file" for name in "abcd"]
    assert all("leads back to it" in item.message for item in merged.diagnostics)


def a_mirroring_service(name: str, main: str, *mirrors: str) -> Service:
    mirroring = Mirroring(tuple(Mirror(mirror, 5) for mirror in mirrors))
    return Service(name, composition="mirroring", members=(Member(main),), mirroring=mirroring)


def test_mirrors_that_do_not_exist_or_lead_back_are_left_out_and_the_service_stays() -> None:
    file = a_configuration(
        a_mirroring_service("m@file", "s@file", "t@file", "gone@file", "loop@file"),
        composite_service("loop@file", "m@file"),
        Service("s@file"),
        Service("t@file"),
    )
    merged = merge({"file": file}, ENTRY_POINTS)
    assert merged.services["m@file"] == a_mirroring_service("m@file", "s@file", "t@file")
    assert [(item.subject, item.message) for item in merged.diagnostics] == [
        ("service m@file", "its mirror 'gone@file' does not exist and is left out"),
        ("service m@file", "its mirror 'loop@file' leads back to it and is left out"),
        ("service loop@file", "its service 'm@file' leads back to it and is left out"),
    ]


def test_a_mirroring_service_without_its_main_service_takes_no_requests() -> None:
    file = a_configuration(a_mirroring_service("m@file", "gone@file", "t@file"), Service("t@file"))
    service = merge({"file": file}, ENTRY_POINTS).services["m@file"]
    assert (service.members, service.unserved) == ((), "none of its services is available")


def test_an_untouched_router_stays_the_very_same_object() -> None:
    router = a_router("a@docker", "a@docker", ("web",))
    merged = merge({"docker": a_configuration(router, Service("a@docker"))}, ENTRY_POINTS)
    assert merged.routers["a@docker"] is router


def test_a_router_without_its_service_is_left_out_and_the_nearest_one_named() -> None:
    configuration = a_configuration(a_router("a@docker", "helo@docker"), Service("hello@docker"))
    merged = merge({"docker": configuration}, ENTRY_POINTS)
    assert merged.routers == {}
    (diagnostic,) = merged.diagnostics
    assert (diagnostic.severity, diagnostic.source, diagnostic.subject) == (
        Severity.ERROR,
        "docker",
        "router a@docker",
    )
    assert "'helo@docker'" in diagnostic.message
    assert "'hello@docker'" in diagnostic.hint


def test_only_a_limited_number_of_missing_names_gets_a_hint() -> None:
    """A search takes milliseconds, and one container may cause thousands of searches at each change."""
    services = [Service(f"shop-{number}@docker") for number in range(500)]
    routers = [a_router(f"r{number}@docker", f"shop-{number}x@docker") for number in range(2000)]
    merged = merge({"docker": a_configuration(*services, *routers)}, ENTRY_POINTS)
    assert len(merged.diagnostics) == len(routers)
    assert sum("did you mean" in each.hint for each in merged.diagnostics) == MAX_COMPARISONS // len(services)


def test_the_same_name_at_another_provider_is_the_nearest() -> None:
    configuration = a_configuration(
        a_router("a@docker", "api@docker"), Service("api@file"), Service("apo@docker")
    )
    (diagnostic,) = merge({"docker": configuration}, ENTRY_POINTS).diagnostics
    assert "'api@file'" in diagnostic.hint


def test_a_router_without_one_of_its_middlewares_is_left_out() -> None:
    configuration = a_configuration(
        a_router("a@docker", "a@docker", middlewares=("m@docker", "gone@file")),
        a_router("b@docker", "a@docker"),
        Service("a@docker"),
        Middleware("m@docker", "retry"),
    )
    merged = merge({"docker": configuration}, ENTRY_POINTS)
    assert set(merged.routers) == {"b@docker"}
    (diagnostic,) = merged.diagnostics
    assert "middleware 'gone@file'" in diagnostic.message
    assert diagnostic.hint.endswith("it would serve Host(`a.test`)")


def test_an_unknown_entry_point_is_dropped_if_another_remains() -> None:
    configuration = a_configuration(a_router("a@docker", "a@docker", ("http", "web")), Service("a@docker"))
    merged = merge({"docker": configuration}, ENTRY_POINTS)
    assert merged.routers["a@docker"].entry_points == ("web",)
    (diagnostic,) = merged.diagnostics
    assert diagnostic.severity is Severity.WARNING
    assert diagnostic.hint == "the entry points are internal, web"


def test_a_router_with_only_unknown_entry_points_is_left_out() -> None:
    configuration = a_configuration(a_router("a@docker", "a@docker", ("http", "https")), Service("a@docker"))
    merged = merge({"docker": configuration}, ENTRY_POINTS)
    assert merged.routers == {}
    assert [diagnostic.severity for diagnostic in merged.diagnostics] == [Severity.ERROR, Severity.ERROR]
    assert merged.diagnostics[1].hint.endswith("it would serve Host(`a.test`)")


@pytest.mark.parametrize(
    ("named", "there", "kept"),
    [
        (("http",), ("web",), ("web",)),
        (("http", "web"), ("web",), ("web",)),
        (("http",), ("web", "other"), None),
        (("http",), ("http",), ("http",)),
        (("https",), ("web",), None),
    ],
)
def test_traefik_1s_default_entry_point_means_the_default_one_here(
    named: tuple[str, ...], there: tuple[str, ...], kept: tuple[str, ...] | None
) -> None:
    merged = merge({"docker": a_configuration(a_router("a", "a", named), Service("a"))}, there)
    assert [router.entry_points for router in merged.routers.values()] == ([kept] if kept else [])
    assert bool(merged.diagnostics) == (kept is None)


def test_of_two_objects_with_one_name_that_of_the_first_provider_is_used() -> None:
    first = a_configuration(Service("a@x", (Server("one", "10.0.0.1", 80),)))
    second = a_configuration(Service("a@x", (Server("two", "10.0.0.2", 80),)))
    merged = merge({"z": second, "b": first}, ENTRY_POINTS)
    assert merged.services == first.services
    (diagnostic,) = merged.diagnostics
    assert diagnostic.source == "z"


def test_the_providers_own_diagnostics_are_kept() -> None:
    diagnostic = Diagnostic(Severity.NOTE, "file", "routes.yml", "odd")
    assert merge({"file": a_configuration(diagnostics=(diagnostic,))}, ENTRY_POINTS).diagnostics == (
        diagnostic,
    )


@pytest.mark.parametrize(
    ("target", "known", "resolved"),
    [
        ("https", ("web", "https"), "https"),
        ("http", ("http", "https"), "http"),
        ("http", ("web",), "web"),
        ("http", ("web", "https"), None),
        ("https", ("web",), None),
    ],
)
def test_a_redirection_to_an_unknown_entry_point_closes_its_routers(
    target: str, known: tuple[str, ...], resolved: str | None
) -> None:
    redirect = Middleware("r@docker", "redirectEntryPoint", {"entryPoint": target, "permanent": True})
    others = (Middleware("m@docker", "retry", {"attempts": 2}), Service("a@docker"))
    configuration = a_configuration(
        a_router("a@docker", "a@docker", middlewares=(redirect.name,)), redirect, *others
    )
    merged = merge({"docker": configuration}, known)
    assert merged.routers == configuration.routers
    assert merged.middlewares["m@docker"] is others[0]
    found = merged.middlewares[redirect.name]
    if resolved is None:
        assert found.unusable
        (diagnostic,) = merged.diagnostics
        assert (diagnostic.severity, diagnostic.source) == (Severity.ERROR, "docker")
        assert diagnostic.subject == "middleware r@docker"
        assert f"entry point {target!r} does not exist" in diagnostic.message
        assert diagnostic.hint == f"the entry points are {', '.join(sorted(known))}"
    else:
        assert found.options == {"entryPoint": resolved, "permanent": True}
        assert not found.unusable
        assert merged.diagnostics == ()


def test_a_redirection_that_is_invalid_already_gets_no_second_diagnostic() -> None:
    redirect = Middleware("r@docker", "redirectEntryPoint", {}, unusable=True)
    merged = merge({"docker": a_configuration(redirect)}, ENTRY_POINTS)
    assert (merged.middlewares, merged.diagnostics) == ({redirect.name: redirect}, ())
