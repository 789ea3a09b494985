"""Views of objects in the form of Traefik's API."""

import pytest
from msgspec import json
from msgspec.structs import replace

from proxy.admin.diagnostic_filters import count_unrouted, is_unrouted
from proxy.admin.paging import PageError, page_of
from proxy.admin.views.middlewares import middleware_view
from proxy.admin.views.object_status import WITHOUT_ERRORS, active_status, group_by_object, left_out_status
from proxy.admin.views.routers import router_view
from proxy.admin.views.services import service_view
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.go_durations import go_duration
from rondpoint.model import HealthCheck, Middleware, Router, Service
from rondpoint.rules import v3
from rondpoint.tls.model import TlsDomain


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (1e-9, "1ns"),
        (0.0015, "1.5ms"),
        (0.1, "100ms"),
        (1.5, "1.5s"),
        (60, "1m0s"),
        (90.25, "1m30.25s"),
        (3600, "1h0m0s"),
        (36_061, "10h1m1s"),
        (-90, "-1m30s"),
    ],
)
def test_durations_are_written_as_in_go(seconds: float, written: str) -> None:
    assert go_duration(seconds) == written


def test_each_page_names_the_next_and_the_last_names_the_first() -> None:
    items = list(range(5))
    pages = [page_of(items, {"per_page": "2", "page": str(number)}) for number in (1, 2, 3)]
    assert [(list(page.items), page.next) for page in pages] == [([0, 1], 2), ([2, 3], 3), ([4], 1)]
    assert page_of(items, {}).items == items
    assert page_of([], {}).next == 1


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "-1"}, {"per_page": "²"}, {"page": "9" * 30}])
def test_an_invalid_page_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(PageError):
        page_of([1], query)


def test_middlewares_hide_secrets_and_show_go_durations() -> None:
    options = {"users": ["a:$apr1$x"], "removeHeader": True}
    view = middleware_view(Middleware("users@file", "basicAuth", options), WITHOUT_ERRORS, ("r@file",))
    assert view["basicAuth"] == {"users": "…", "removeHeader": True, "realm": "traefik"}
    assert (view["type"], view["provider"], view["usedBy"]) == ("basicauth", "file", ("r@file",))
    view = middleware_view(
        Middleware("rate@file", "rateLimit", {"average": 5, "period": 60.0}), WITHOUT_ERRORS, ()
    )
    assert view["rateLimit"] == {"average": 5, "period": "1m0s", "burst": 1}


def test_secret_headers_of_a_health_check_are_hidden() -> None:
    check = HealthCheck(path="/", headers={"Authorization": "Bearer x", "X-A": "b"})
    view = service_view(Service("a@file", health_check=check), WITHOUT_ERRORS, ())
    assert view.load_balancer is not None
    assert view.load_balancer.health_check is not None
    assert view.load_balancer.health_check.headers == {"Authorization": "…", "X-A": "b"}


def test_diagnostics_determine_the_status_of_objects() -> None:
    warning = Diagnostic(Severity.WARNING, "docker", "router a@docker", "entry point 'x' does not exist")
    error = Diagnostic(Severity.ERROR, "file", "router b@file", "left out")
    other = Diagnostic(Severity.ERROR, "docker", "container a", "no port")
    of_consul = [
        Diagnostic(Severity.ERROR, "consulcatalog", subject, "no port")
        for subject in (
            "service hello",
            "service hello, instance node/hello-1",
            "service hello, instance n/a@b",
        )
    ]
    found = group_by_object([warning, error, other, *of_consul])
    assert found["router"] == {"a@docker": (warning,), "b@file": (error,)}
    assert found["service"] == {}
    assert active_status(found["router"]["a@docker"]).status == "warning"
    assert active_status((), "a middleware is missing").status == "disabled"
    assert left_out_status([warning]) is None
    lost = left_out_status([error])
    assert lost is not None
    assert (lost.status, lost.errors) == ("disabled", ("left out",))


def test_diagnostics_of_containers_and_files_count_for_their_object() -> None:
    label = "label traefik.http.routers.a.priority"
    found = group_by_object(
        Diagnostic(Severity.ERROR, "docker", f"container {name}", label, about="router a@docker")
        for name in ("one", "two")
    )
    assert active_status(found["router"]["a@docker"]).errors == (label,)
    lost = left_out_status(found["router"]["a@docker"])
    assert lost is not None
    assert lost.errors == (label,)


def test_containers_with_a_left_out_router_are_unrouted() -> None:
    def diagnostic(subject: str, message: str = "is not valid", about: str = "router a@docker") -> Diagnostic:
        return Diagnostic(Severity.ERROR, "docker", subject, message, about=about)

    one, again, file = (
        diagnostic("container one"),
        diagnostic("container one", "is unknown"),
        diagnostic("/routes.yml"),
    )
    silent = diagnostic("container two", "not routed: it exposes no port", "")
    service = diagnostic("container three", about="service a@docker")
    lost = diagnostic("container four", about="TCP router a@docker")
    every = [one, again, file, silent, service, lost]

    def none(_kind: str, _name: str) -> bool:
        return False

    def only_http(kind: str, name: str) -> bool:
        return (kind, name) == ("router", "a@docker")

    assert [item for item in every if is_unrouted(item, none)] == [one, again, silent, lost]
    assert count_unrouted(every, none) == 3
    assert [item for item in every if is_unrouted(item, only_http)] == [silent, lost]


def test_the_tls_of_a_router_is_shown_in_traefiks_words() -> None:
    plain = Router("a@file", v3.parse("Host(`a.test`)"), "s@file", 1, tls=True)
    resolved = replace(
        plain,
        tls_options="strict@file",
        cert_resolver="le",
        tls_domains=(TlsDomain("a.test", ("*.a.test",)), TlsDomain("b.test")),
    )
    views = (router_view(each, WITHOUT_ERRORS, (), {}) for each in (plain, resolved))
    shown = [json.decode(json.encode(view))["tls"] for view in views]
    assert shown == [
        {"options": "default"},
        {
            "options": "strict@file",
            "certResolver": "le",
            "domains": [{"main": "a.test", "sans": ["*.a.test"]}, {"main": "b.test"}],
        },
    ]
