"""Traefik 1's labels."""

from __future__ import annotations

import pytest

from discovery.labels import decode
from discovery.labels.container import Container
from discovery.labels.v1 import router_name
from rondpoint.diagnostics import Severity
from rondpoint.model import Router, Server
from tests.discovery.labels.containers import OPTIONS, WITH_DOMAIN, compose, container

ARTICLE = {"traefik.port": "80", "traefik.backend": "hello", "traefik.frontend.rule": "Host:hello.docker"}


def only_router(given: Container) -> Router:
    (router,) = decode(given, OPTIONS).routers
    return router


def only_server(given: Container) -> Server:
    (service,) = decode(given, OPTIONS).services
    (server,) = service.servers
    return server


def test_the_three_labels_of_the_article_make_a_router_and_a_service() -> None:
    decoded = decode(container("hello_webapp_1", ARTICLE), WITH_DOMAIN)
    (router,), (service,) = decoded.routers, decoded.services
    assert router.name == "frontend-Host-hello.docker@docker"
    assert router.rule.text == "Host:hello.docker"
    assert router.service == service.name == "hello@docker"
    assert router.priority == len("Host:hello.docker")
    assert service.servers == (Server("hello_webapp_1", "172.17.0.2", 80),)
    assert decoded.diagnostics == ()


def test_all_served_labels() -> None:
    labels = {
        **ARTICLE,
        "traefik.port": "8443",
        "traefik.protocol": "https",
        "traefik.weight": "5",
        "traefik.frontend.priority": "7",
        "traefik.frontend.entryPoints": "web, other,",
        "traefik.frontend.passHostHeader": "false",
        "traefik.docker.network": "back",
    }
    given = container("c", labels, networks={"a": "10.0.0.1", "back": "10.0.1.1"})
    decoded = decode(given, OPTIONS)
    assert decoded.diagnostics == ()
    (router,) = decoded.routers
    assert (router.priority, router.entry_points, router.pass_host_header) == (7, ("web", "other"), False)
    assert only_server(given) == Server("c", "10.0.1.1", 8443, "https", 5)


BACKENDS = [
    (container("my_app", {**ARTICLE, "traefik.backend": "he..llo__1"}), "he-llo-1@docker"),
    (container("shop_webapp_1", compose(port="80")), "webapp-shop@docker"),
    (container("my_app", {"traefik.port": "80", "traefik.domain": "test"}), "my-app@docker"),
]


@pytest.mark.parametrize(("given", "name"), BACKENDS)
def test_a_backend_is_named_by_its_label_or_compose_or_the_container(given: Container, name: str) -> None:
    assert [service.name for service in decode(given, OPTIONS).services] == [name]


def test_in_compose_there_is_a_rule_even_without_a_domain() -> None:
    assert (
        only_router(container("shop_web_1", compose("web_app", port="80"))).rule.text == "Host:web-app.shop"
    )


def test_without_compose_and_domain_a_missing_rule_is_reported() -> None:
    decoded = decode(container(labels={"traefik.port": "80"}), OPTIONS)
    assert decoded.routers == decoded.services == ()
    assert [item.message for item in decoded.diagnostics] == ["not routed: it has no rule"]
    assert "traefik.frontend.rule" in decoded.diagnostics[0].hint


def test_routers_are_named_by_their_rules_and_different_rules_never_share_a_name() -> None:
    rules = [
        *(
            "Host:a.test",
            "Host:a-test",
            "Host:A.test",
            "Host:a,test",
            "Host:a;PathPrefix:/test",
            "Host: a.test",
        ),
        *("Path:/a/b", "Path:/a-b", "Path:/a,/b"),
    ]
    assert len({router_name(rule) for rule in rules}) == len(rules)
    assert router_name("Host:a.test") == "frontend-Host-a.test"
    assert router_name("Path:/a/b").startswith("frontend-Path-a-b-")


INVALID = [
    ("traefik.port", "eighty", "expected a port from 1 to 65535"),
    ("traefik.port", "0", "expected a port from 1 to 65535"),
    ("traefik.port", "65536", "expected a port from 1 to 65535"),
    ("traefik.weight", "-1", "expected a weight from 0 to 65535"),
    ("traefik.weight", "1.5", "expected a weight from 0 to 65535"),
    ("traefik.protocol", "gopher", "expected one of http, https, h2c"),
    ("traefik.frontend.priority", "high", "expected a whole number"),
    ("traefik.frontend.passHostHeader", "yes", "expected true or false"),
    ("traefik.backend", " ", "expected text, but it is empty"),
]


@pytest.mark.parametrize(("label", "value", "hint"), INVALID)
def test_an_invalid_value_is_reported_and_the_default_is_used(label: str, value: str, hint: str) -> None:
    decoded = decode(container(labels={**ARTICLE, label: value}), OPTIONS)
    assert len(decoded.routers) == len(decoded.services) == 1
    (found,) = decoded.diagnostics
    assert (found.severity, found.subject) == (Severity.ERROR, "container web")
    assert (found.message, found.hint) == (f'label {label}="{value}" is not valid', hint)


@pytest.mark.parametrize(("written", "scheme"), [("ws", "http"), ("WSS", "https"), ("h2c", "h2c")])
def test_the_protocol_may_be_that_of_websocket(written: str, scheme: str) -> None:
    decoded = decode(container(labels={**ARTICLE, "traefik.protocol": written}), OPTIONS)
    assert decoded.diagnostics == ()
    assert [server.url.partition(":")[0] for server in decoded.services[0].servers] == [scheme]


def test_an_expression_outside_of_braces_gives_a_warning_and_the_rule_is_used() -> None:
    decoded = decode(container(labels={**ARTICLE, "traefik.frontend.rule": "HostRegexp:.*"}), WITH_DOMAIN)
    assert len(decoded.routers) == 1
    (found,) = decoded.diagnostics
    assert found.severity is Severity.WARNING
    assert "is outside braces" in found.message


@pytest.mark.parametrize("rule", ["Hots:a.test", "Host:", "", "Host:a;PathPrefixStrip:x"])
def test_an_invalid_rule_is_reported_and_not_replaced(rule: str) -> None:
    decoded = decode(container(labels={**ARTICLE, "traefik.frontend.rule": rule}), WITH_DOMAIN)
    assert decoded.routers == ()
    (found,) = decoded.diagnostics
    assert found.severity is Severity.ERROR
    assert found.message.startswith(f'label traefik.frontend.rule="{rule}"')
