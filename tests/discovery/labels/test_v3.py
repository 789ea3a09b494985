"""Traefik 3's labels."""

from __future__ import annotations

import pytest

from discovery.labels import decode
from rondpoint.diagnostics import Severity
from rondpoint.model import RouterObservability, Server
from rondpoint.rules.expression import Match
from rondpoint.tls.model import Certificate, TlsDomain
from tests.discovery.labels.containers import OPTIONS, compose, container, label_options

R, S = "traefik.http.routers.r", "traefik.http.services.s.loadbalancer"
RULE = {f"{R}.rule": "Host(`r.test`)"}


def test_a_router_and_a_service_by_labels() -> None:
    labels = {
        **RULE,
        f"{R}.priority": "9",
        f"{R}.entrypoints": "web,other",
        f"{S}.server.port": "8080",
        f"{S}.server.scheme": "h2c",
        f"{S}.server.weight": "4",
        f"{S}.passhostheader": "false",
    }
    decoded = decode(container("c", labels), OPTIONS)
    (router,), (service,) = decoded.routers, decoded.services
    assert (router.name, router.service, router.priority) == ("r@docker", "s@docker", 9)
    assert router.entry_points == ("web", "other")
    assert (service.name, service.pass_host_header) == ("s@docker", False)
    assert service.servers == (Server("c", "172.17.0.2", 8080, "h2c", 4),)
    assert decoded.diagnostics == ()


def test_a_router_may_have_observability_options() -> None:
    observed = f"{R}.observability"
    labels = {
        **RULE,
        f"{observed}.accesslogs": "false",
        f"{observed}.metrics": "true",
        f"{observed}.traceverbosity": "Detailed",
    }
    decoded = decode(container("c", labels), OPTIONS)
    assert decoded.diagnostics == ()
    assert decoded.routers[0].observability == RouterObservability(False, True, None, "detailed")


def test_option_names_are_case_insensitive_and_object_names_keep_their_case() -> None:
    labels = {
        "traefik.HTTP.Routers.MyApp.Rule": "Host(`r.test`)",
        "traefik.http.routers.MyApp.entryPoints": "web",
        "traefik.http.services.MyApp.LoadBalancer.Server.Port": "81",
    }
    decoded = decode(container(labels=labels), OPTIONS)
    assert [(router.name, router.entry_points) for router in decoded.routers] == [("MyApp@docker", ("web",))]
    assert [service.name for service in decoded.services] == ["MyApp@docker"]
    assert decoded.diagnostics == ()


def test_a_list_may_be_written_with_indexes() -> None:
    labels = {**RULE, f"{R}.entrypoints[1]": "b", f"{R}.entrypoints[0]": "a"}
    assert decode(container(labels=labels), OPTIONS).routers[0].entry_points == ("a", "b")


def test_a_router_alone_gets_a_service_named_after_the_container() -> None:
    decoded = decode(container("my_app", RULE, ports=(80, 443)), OPTIONS)
    assert decoded.routers[0].service == "my-app@docker"
    assert [service.name for service in decoded.services] == ["my-app@docker"]
    assert decoded.services[0].servers[0].port == 80
    assert decoded.implicit_routers == {"r@docker"}


def test_in_compose_the_implicit_service_is_named_after_service_and_project() -> None:
    decoded = decode(container("shop_webapp_1", {**compose(), **RULE}), OPTIONS)
    assert decoded.routers[0].service == "webapp-shop@docker"


def test_a_service_alone_gets_a_router_with_the_default_rule() -> None:
    decoded = decode(container("my_app", {f"{S}.server.port": "81"}), OPTIONS)
    (router,) = decoded.routers
    assert (router.name, router.rule.text, router.service) == ("my-app@docker", "Host(`my-app`)", "s@docker")
    assert decoded.implicit_routers == frozenset()


def test_a_router_without_a_rule_gets_the_default_one() -> None:
    decoded = decode(container("app", {f"{R}.priority": "3"}), OPTIONS)
    assert [(router.name, router.rule.text) for router in decoded.routers] == [("r@docker", "Host(`app`)")]


def test_a_router_takes_the_only_service_and_names_the_candidates_when_there_are_several() -> None:
    one = decode(container(labels={**RULE, f"{S}.server.port": "81"}), OPTIONS)
    assert one.routers[0].service == "s@docker"
    more = {**RULE, f"{S}.server.port": "81", "traefik.http.services.t.loadbalancer.server.port": "82"}
    several = decode(container(labels=more), OPTIONS)
    assert several.routers == ()
    assert [service.name for service in several.services] == ["s@docker", "t@docker"]
    assert [(item.message, item.hint) for item in several.diagnostics] == [
        (f"label {R} names no service", "expected one of s, t")
    ]


def test_services_and_middlewares_may_be_those_of_other_providers() -> None:
    labels = {**RULE, f"{R}.service": "x@file", f"{R}.middlewares": "auth@file, own"}
    (router,) = decode(container(labels=labels), OPTIONS).routers
    assert router.service == "x@file"
    assert router.middlewares == ("auth@file", "own@docker")


def test_the_default_rule_is_a_template() -> None:
    options = label_options(
        default_rule='Host(`{{ index .Labels "app.host" }}`) && PathPrefix(`/{{ .Name }}`)'
    )
    decoded = decode(container("c", {"app.host": "a.test"}), options)
    assert [router.rule.text for router in decoded.routers] == ["Host(`a.test`) && PathPrefix(`/c`)"]


def test_an_invalid_default_rule_is_reported() -> None:
    decoded = decode(container(), label_options(default_rule="Host(`{{ .Nmae }}`)"))
    assert decoded.routers == ()
    assert "unknown field .Nmae (did you mean Name?)" in decoded.diagnostics[0].message


def test_a_server_by_url() -> None:
    decoded = decode(container("c", {**RULE, f"{S}.server.url": "https://10.9.9.9:8443"}, ports=()), OPTIONS)
    assert decoded.services[0].servers == (Server("c", "10.9.9.9", 8443, "https"),)
    both = decode(container(labels={**RULE, f"{S}.server.url": "http://x", f"{S}.server.port": "1"}), OPTIONS)
    assert both.services == both.routers == ()


def test_a_url_beside_port_and_scheme_is_one_error_and_neither_is_unknown() -> None:
    server = "traefik.http.services.s.loadbalancer.server"
    labels = {**RULE, f"{server}.url": "http://a", f"{server}.port": "80", f"{server}.scheme": "http"}
    (found,) = [
        each.message
        for each in decode(container(labels=labels), OPTIONS).diagnostics
        if server in each.message
    ]
    assert "already contains scheme and port" in found


LEFT_OUT = [
    ({f"{R}.tls": "perhaps"}, f'label {R}.tls="perhaps" is not valid'),
    ({f"{R}.ruleSyntax": "v1"}, f'label {R}.ruleSyntax="v1" is not valid, so the router is left out'),
    ({f"{R}.rule": "Hots(`x`)"}, f'label {R}.rule="Hots(`x`)": unknown matcher Hots (at character 1)'),
    ({f"{R}.rule": ""}, f'label {R}.rule="" is not valid'),
    ({f"{R}.middlewares.x": "y"}, f"label {R}.middlewares={{'x': 'y'}} is not valid"),
    ({f"{R}.entrypoints.x": "y"}, f"label {R}.entrypoints={{'x': 'y'}} is not valid"),
]


@pytest.mark.parametrize(("labels", "message"), LEFT_OUT)
def test_a_router_that_would_serve_more_than_meant_is_left_out_and_reported(
    labels: dict[str, str], message: str
) -> None:
    decoded = decode(container(labels={**RULE, **labels}), OPTIONS)
    assert decoded.routers == ()
    assert [(item.severity, item.message) for item in decoded.diagnostics] == [(Severity.ERROR, message)]


@pytest.mark.parametrize("option", [{"tls.optoins": "x@file"}, {"parentRefs": ","}, {"middleware": "x"}])
def test_the_diagnostic_of_a_router_that_is_left_out_has_its_rule(option: dict[str, str]) -> None:
    labels = {**RULE, **{f"{R}.{name}": value for name, value in option.items()}}
    told = decode(container(labels=labels), OPTIONS).diagnostics
    hints = [item.hint for item in told if item.severity is Severity.ERROR]
    assert hints == ["it would serve Host(`r.test`)"]


@pytest.mark.parametrize("priority", [-7, 1, 2**63 - 1 - 1000])
def test_a_priority_is_any_number_that_traefik_takes(priority: int) -> None:
    (router,) = decode(container(labels={**RULE, f"{R}.priority": str(priority)}), OPTIONS).routers
    assert router.priority == priority


def test_a_rule_may_be_in_the_language_of_traefik_2() -> None:
    labels = {f"{R}.rule": "Host(`a.test`, `b.test`)", f"{R}.ruleSyntax": "v2"}
    (router,) = decode(container(labels=labels), OPTIONS).routers
    assert router.rule.expression == Match("Host", ("a.test", "b.test"))


def test_a_rule_of_traefik_2_needs_no_rule_syntax() -> None:
    decoded = decode(container(labels={f"{R}.rule": "Host(`a.test`, `b.test`)"}), OPTIONS)
    assert decoded.routers[0].rule.expression == Match("Host", ("a.test", "b.test"))
    (note,) = [item for item in decoded.diagnostics if "Traefik 2" in item.message]
    assert note.severity is Severity.NOTE
    assert note.hint.startswith("set ruleSyntax=v2 to confirm it")


def test_rule_syntax_v3_refuses_rules_of_traefik_2() -> None:
    labels = {f"{R}.rule": "Host(`a.test`, `b.test`)", f"{R}.ruleSyntax": "v3"}
    assert decode(container(labels=labels), OPTIONS).routers == ()


@pytest.mark.parametrize("option", ["middleware", "Middelwares", "midlewares", "tsl"])
def test_a_router_with_misspelt_protection_is_left_out(option: str) -> None:
    labels = {**RULE, f"{R}.{option}": "auth@file", "traefik.http.routers.q.rule": "Host(`q`)"}
    decoded = decode(container(labels=labels), OPTIONS)
    assert [router.name for router in decoded.routers] == ["q@docker"]
    errors = [item.message for item in decoded.diagnostics if item.severity is Severity.ERROR]
    assert errors == [f"label {R}.{option} may be meant to protect the router, so it is left out"]


@pytest.mark.parametrize("outer", ["router", "Router", "routes"])
def test_a_router_with_options_below_a_misspelt_section_is_left_out(outer: str) -> None:
    label = f"traefik.http.{outer}.r.middlewares"
    labels = {**RULE, label: "auth@file", "traefik.http.routers.q.rule": "Host(`q`)"}
    decoded = decode(container(labels=labels), OPTIONS)
    assert [router.name for router in decoded.routers] == ["q@docker"]
    assert [(item.severity, item.message) for item in decoded.diagnostics] == [
        (Severity.ERROR, f"label {label} may be meant to protect router r, so the router is left out"),
        (Severity.WARNING, f"label traefik.http.{outer} is unknown"),
    ]


@pytest.mark.parametrize("label", ["traefik.http.routers.a@file.rule", "traefik.http.routers.a.rule"])
def test_a_container_whose_only_router_is_refused_gets_no_other(label: str) -> None:
    decoded = decode(container(labels={label: "" if label.endswith("s.a.rule") else "Host(`a`)"}), OPTIONS)
    assert decoded.routers == ()
    assert [item.severity for item in decoded.diagnostics] == [Severity.ERROR]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({f"{R}.tls": "false"}, {}),
        ({f"{R}.tls": "true"}, {"tls": True}),
        ({f"{R}.tls.options": "default"}, {"tls": True}),
        ({f"{R}.tls.options": ""}, {"tls": True}),
        ({f"{R}.tls.options": "mtls"}, {"tls": True, "tls_options": "mtls@docker"}),
        ({f"{R}.tls.options": "mtls@file"}, {"tls": True, "tls_options": "mtls@file"}),
        ({f"{R}.tls.certresolver": "le"}, {"tls": True, "cert_resolver": "le"}),
        (
            {f"{R}.tls.domains[0].main": "A.test", f"{R}.tls.domains[0].sans": "*.a.test, b.test"},
            {"tls": True, "tls_domains": (TlsDomain("a.test", ("*.a.test", "b.test")),)},
        ),
        (
            {f"{R}.tls.domains[0].sans": "a.test,b.test"},
            {"tls": True, "tls_domains": (TlsDomain("a.test", ("b.test",)),)},
        ),
    ],
)
def test_a_router_may_demand_tls(labels: dict[str, str], expected: dict[str, object]) -> None:
    decoded = decode(container(labels={**RULE, **labels}), OPTIONS)
    plain = {"tls": False, "tls_options": "", "cert_resolver": "", "tls_domains": ()}
    (router,) = decoded.routers
    assert {name: getattr(router, name) for name in plain} == {**plain, **expected}
    assert decoded.diagnostics == ()


@pytest.mark.parametrize("domain", [{"main": "a b"}, {"main": "a.test", "sans": "*"}, {"other": "a.test"}])
def test_no_certificate_is_obtained_if_its_names_cannot_be_read(domain: dict[str, str]) -> None:
    labels = {f"{R}.tls.domains[0].{name}": value for name, value in domain.items()}
    decoded = decode(container(labels={**RULE, f"{R}.tls.certresolver": "le", **labels}), OPTIONS)
    (router,) = decoded.routers
    assert (router.tls, router.cert_resolver, router.tls_domains) == (True, "", ())
    assert any(item.severity is Severity.ERROR for item in decoded.diagnostics)


STORE = "traefik.tls.stores.default.defaultGeneratedCert"


def test_a_container_may_ask_for_a_default_certificate() -> None:
    labels = {f"{STORE}.resolver": "le", f"{STORE}.domain.main": "a.test", f"{STORE}.domain.sans": "b.test"}
    decoded = decode(container("x", labels), OPTIONS)
    (request,) = decoded.certificates
    assert request == Certificate(
        "default-request@docker", "", "", ("a.test", "b.test"), resolver="le", default=True
    )
    assert [router.name for router in decoded.routers] == ["x@docker"]
    assert decoded.diagnostics == ()
    other = decode(container("y", {**labels, "traefik.frontend.rule": "Host:y.test"}), OPTIONS)
    assert (other.certificates, len(other.routers)) == ((request,), 1)


@pytest.mark.parametrize(
    "label", ["tls.options.o.minVersion", "tls.certificates[0].certFile", "tls.stores.s.x"]
)
def test_labels_define_no_certificates_and_no_tls_options(label: str) -> None:
    decoded = decode(container(labels={**RULE, f"traefik.{label}": "x"}), OPTIONS)
    assert (decoded.certificates, decoded.tls_options, len(decoded.routers)) == ((), (), 1)
    (found,) = decoded.diagnostics
    assert found.message == f"label traefik.{label} is not served in labels, as in Traefik"


UNKNOWN = [
    (f"{R}.entrypoint", "did you mean entryPoints?"),
    (f"{S}.server.prot", "did you mean port?"),
    (f"{S}.pashostheader", "did you mean passHostHeader?"),
    ("traefik.http.router.r.rule", "did you mean routers?"),
]


@pytest.mark.parametrize(("label", "hint"), UNKNOWN)
def test_an_unknown_option_is_a_warning_with_the_nearest_known(label: str, hint: str) -> None:
    decoded = decode(container(labels={**RULE, f"{S}.server.port": "80", label: "x"}), OPTIONS)
    assert len(decoded.routers) == 1
    assert [(item.severity, item.hint) for item in decoded.diagnostics] == [(Severity.WARNING, hint)]


def test_an_unknown_kind_of_middleware_is_an_error_and_the_router_still_refers_to_it() -> None:
    labels = {**RULE, f"{R}.middlewares": "m", "traefik.http.middlewares.m.basicaut.users": "u"}
    decoded = decode(container(labels=labels), OPTIONS)
    assert decoded.middlewares == ()
    assert decoded.routers[0].middlewares == ("m@docker",)
    assert decoded.diagnostics[0].hint == "did you mean basicAuth?"


def test_a_name_with_another_provider_is_refused() -> None:
    labels = {"traefik.http.routers.a@file.rule": "Host(`x`)", "traefik.http.routers.b.rule": "Host(`y`)"}
    decoded = decode(container(labels=labels), OPTIONS)
    assert [router.name for router in decoded.routers] == ["b@docker"]
    assert "a name must not contain @" in decoded.diagnostics[0].message


def test_a_service_without_a_server_is_left_out_with_its_router_only() -> None:
    t = "traefik.http.services.t.loadbalancer.server.url"
    labels = {
        **{**RULE, f"{R}.service": "s", f"{S}.server.port": "80", t: "nonsense"},
        **{"traefik.http.routers.q.rule": "Host(`q`)", "traefik.http.routers.q.service": "t"},
    }
    decoded = decode(container(labels=labels), OPTIONS)
    assert [router.name for router in decoded.routers] == ["r@docker"]
    assert [service.name for service in decoded.services] == ["s@docker"]
    assert [item.message for item in decoded.diagnostics] == [
        f'label {t}="nonsense" is not valid',
        "label traefik.http.routers.q is left out, because its service t@docker is left out",
    ]


NAMES_A_SERVICE = [
    ({f"{R}.service": "api@internal"}, True),
    ({f"{R}.Service": "shop@file"}, True),
    ({}, False),
    ({f"{R}.service": "c"}, False),
    ({f"{R}.service": "c@docker"}, False),
    ({f"{R}.service": "api@internal", "traefik.http.routers.q.rule": "Host(`q.test`)"}, False),
    ({f"{R}.service": "api@internal", f"{S}.passhostheader": "true"}, False),
]


@pytest.mark.parametrize(("labels", "fine"), NAMES_A_SERVICE)
def test_a_container_without_a_port_is_fine_if_its_routers_name_other_services(
    labels: dict[str, str], fine: bool
) -> None:
    decoded = decode(container("c", {**RULE, **labels}, ports=()), OPTIONS)
    told = [found.message for found in decoded.diagnostics if "it exposes no port" in found.message]
    assert bool(told) is not fine
    if fine:
        assert [router.name for router in decoded.routers] == ["r@docker"]
    assert decoded.services == ()
