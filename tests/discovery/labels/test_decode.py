"""Selection of containers, and of the dialect of their labels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.labels import decode
from discovery.labels.constraints import parse
from discovery.labels.container import Container
from discovery.labels.options import LabelOptions
from rondpoint.diagnostics import Severity
from rondpoint.model import ServerState
from tests.discovery.labels.containers import OPTIONS, WITH_DOMAIN, compose, container, label_options

HIDDEN = label_options(exposed_by_default=False)
RULE = {"traefik.http.routers.r.rule": "Host(`r.test`)"}

NOT_ROUTED = [
    (container(labels={"traefik.enable": "false"}), OPTIONS, "label traefik.enable disables it"),
    (container(labels={"traefik.enable": "F"}), OPTIONS, "label traefik.enable disables it"),
    (container(labels={"Traefik.Enable": "0"}), OPTIONS, "label traefik.enable disables it"),
    (
        container(),
        HIDDEN,
        "containers are not exposed by default, and label traefik.enable=true is not given",
    ),
    (container(state="exited"), OPTIONS, "it is not running, but exited"),
    (container(state="paused"), OPTIONS, "it is not running, but paused"),
    (container(health="starting"), OPTIONS, "its health is starting"),
    (container(health="unhealthy"), OPTIONS, "its health is unhealthy"),
]


@pytest.mark.parametrize(("given", "options", "reason"), NOT_ROUTED)
def test_a_skipped_container_gives_a_note_with_the_reason(
    given: Container, options: LabelOptions, reason: str
) -> None:
    decoded = decode(given, options)
    assert decoded.routers == decoded.services == ()
    (note,) = decoded.diagnostics
    assert (note.severity, note.source, note.subject) == (Severity.NOTE, "docker", "container web")
    assert note.message == f"not routed: {reason}"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (container(labels={"traefik.enable": "true"}), HIDDEN),
        (container(health="healthy"), OPTIONS),
        (container(), OPTIONS),
    ],
)
def test_a_container_that_is_not_skipped_is_routed(given: Container, options: LabelOptions) -> None:
    decoded = decode(given, options)
    assert len(decoded.routers) == len(decoded.services) == 1
    assert decoded.diagnostics == ()


def test_an_enable_label_that_is_no_boolean_is_reported_and_the_default_holds() -> None:
    shown = decode(container(labels={"traefik.enable": "yes"}), OPTIONS)
    assert len(shown.routers) == 1
    assert shown.diagnostics[0].message == 'label traefik.enable="yes" is not valid'
    assert shown.diagnostics[0].hint == "expected true or false"
    assert decode(container(labels={"traefik.enable": "yes"}), HIDDEN).routers == ()


@pytest.mark.parametrize("label", ["traefik.enabled", "traefik.Enbale", "traefik.enable "])
@pytest.mark.parametrize("word", ["false", "False", "0", "no"])
def test_a_misspelt_label_that_denies_exposes_nothing(label: str, word: str) -> None:
    found = decode(container(labels={label: word}), OPTIONS)
    assert found.routers == ()
    assert [(item.message, item.hint) for item in found.diagnostics] == [
        (f"label {label} is unknown", "did you mean traefik.enable?"),
        (f"not routed: label {label} is most likely meant to disable it", ""),
    ]


@pytest.mark.parametrize(("label", "word"), [("traefik.enabled", "true"), ("traefik.home", "false")])
def test_another_unknown_label_hides_nothing(label: str, word: str) -> None:
    found = decode(container(labels={label: word}), OPTIONS)
    assert len(found.routers) == 1
    assert [item.message for item in found.diagnostics] == [f"label {label} is unknown"]


def test_the_right_label_counts_beside_a_misspelt_one() -> None:
    labels = {"traefik.enable": "true", "traefik.enabled": "false"}
    assert len(decode(container(labels=labels), OPTIONS).routers) == 1


@pytest.mark.parametrize("word", ["no", "Off", " disabled "])
def test_a_denying_word_is_reported_and_exposes_nothing(word: str) -> None:
    found = decode(container(labels={"traefik.enable": word}), OPTIONS)
    assert found.routers == ()
    assert [item.message for item in found.diagnostics] == [
        f'label traefik.enable="{word}" is not valid',
        "not routed: label traefik.enable disables it",
    ]


@pytest.mark.parametrize("labels", [{"traefik.port": "80", "traefik.frontend.rule": "Host:a.test"}, RULE])
def test_routes_may_stay_while_their_container_is_stopped_or_unhealthy(labels: dict[str, str]) -> None:
    staying = labels | {"traefik.docker.allownonrunning": "true"}
    for stopped in (
        container(labels=staying, state="exited", networks={}),
        container(labels=staying, health="unhealthy"),
    ):
        decoded = decode(stopped, OPTIONS)
        assert [service.servers for service in decoded.services] == [()]
        assert len(decoded.routers) == 1
        assert decoded.diagnostics == ()
    unwell = container(labels=labels, health="starting")
    assert decode(unwell, OPTIONS).routers == ()
    decoded = decode(unwell, label_options(allow_empty_services=True))
    assert [service.servers for service in decoded.services] == [()]


def test_a_draining_container_keeps_its_server_whatever_its_health_becomes() -> None:
    (service,) = decode(container(draining=True, health="unhealthy"), OPTIONS).services
    assert [server.state for server in service.servers] == [ServerState.DRAINING]


UNLABELLED = [
    (container("my_app.1"), OPTIONS, "Host(`my-app-1`)", "my-app-1@docker", "my-app-1@docker"),
    (
        container("shop_webapp_1", compose()),
        OPTIONS,
        "Host(`webapp-shop`)",
        "webapp-shop@docker",
        "webapp-shop@docker",
    ),
    (
        container("my_app"),
        WITH_DOMAIN,
        "Host:my-app.docker",
        "frontend-Host-my-app.docker@docker",
        "my-app@docker",
    ),
    (
        container("shop_webapp_1", compose()),
        WITH_DOMAIN,
        "Host:webapp.shop.docker",
        "frontend-Host-webapp.shop.docker@docker",
        "webapp-shop@docker",
    ),
    (
        container("web", {"traefik.domain": "test"}),
        OPTIONS,
        "Host:web.test",
        "frontend-Host-web.test@docker",
        "web@docker",
    ),
]


@pytest.mark.parametrize(("given", "options", "rule", "router", "service"), UNLABELLED)
def test_a_container_without_labels_gets_the_default_rule(
    given: Container, options: LabelOptions, rule: str, router: str, service: str
) -> None:
    decoded = decode(given, options)
    assert [(item.name, item.rule.text, item.service) for item in decoded.routers] == [
        (router, rule, service)
    ]
    assert [item.name for item in decoded.services] == [service]
    assert decoded.diagnostics == ()


def test_traefik_3_labels_win_over_traefik_1_labels_which_are_noted() -> None:
    decoded = decode(container(labels={**RULE, "traefik.port": "81", "traefik.backend": "b"}), WITH_DOMAIN)
    assert [router.name for router in decoded.routers] == ["r@docker"]
    assert decoded.services[0].servers[0].port == 80
    (note,) = decoded.diagnostics
    assert note.severity is Severity.NOTE
    assert "traefik.backend, traefik.port are ignored" in note.message


def test_an_unknown_label_is_warned_about_with_the_nearest_known_one() -> None:
    decoded = decode(container(labels={"traefik.prot": "81"}), OPTIONS)
    assert len(decoded.routers) == 1
    (warning,) = decoded.diagnostics
    assert warning.severity is Severity.WARNING
    assert warning.message == "label traefik.prot is unknown"
    assert warning.hint == "did you mean traefik.port?"


def test_a_container_with_labels_for_tcp_alone_is_not_routed_over_http() -> None:
    decoded = decode(container(labels={"traefik.tcp.routers.r.rule": "HostSNI(`*`)"}), WITH_DOMAIN)
    assert decoded.routers == decoded.services == decoded.diagnostics == ()
    assert [router.name for router in decoded.tcp_routers] == ["r@docker"]


def test_labels_of_other_programs_are_ignored() -> None:
    assert decode(container(labels={"org.example": "x", "traefikx.port": "1"}), OPTIONS).diagnostics == ()


WITHOUT_ADDRESS: list[tuple[dict[str, Any], str]] = [
    ({"ports": ()}, "not routed: it exposes no port"),
    ({"networks": {}}, "not routed: it has no address in any network"),
    ({"networks": {"none": ""}}, "not routed: it has no address in any network"),
]


@pytest.mark.parametrize(("given", "message"), WITHOUT_ADDRESS)
@pytest.mark.parametrize(
    ("labels", "options", "severity"),
    [
        ({}, OPTIONS, Severity.WARNING),
        ({}, WITH_DOMAIN, Severity.WARNING),
        (RULE, OPTIONS, Severity.ERROR),
        ({"traefik.frontend.rule": "Host:r.test"}, OPTIONS, Severity.ERROR),
    ],
)
def test_a_container_that_cannot_be_reached_is_listed_with_the_reason(
    given: dict[str, Any], message: str, labels: dict[str, str], options: LabelOptions, severity: Severity
) -> None:
    decoded = decode(container(labels=labels, **given), options)
    assert decoded.routers == decoded.services == ()
    assert [(item.severity, item.message) for item in decoded.diagnostics] == [(severity, message)]
    assert decoded.diagnostics[0].hint


words = st.sampled_from(
    [
        *(
            "traefik",
            "http",
            "routers",
            "services",
            "middlewares",
            "r",
            "s",
            "rule",
            "loadbalancer",
            "server",
        ),
        *("port", "tls", "backend", "frontend", "auth", "basic", "weight", "[0]", "x[1]", "", "é", "enable"),
    ]
)
names = st.lists(words, min_size=1, max_size=7).map(lambda parts: "traefik." + ".".join(parts))


@given(st.dictionaries(names | st.text(), st.text() | st.sampled_from(["true", "80", "Host(`a`)", "Host:a"])))
def test_decoding_never_raises(labels: dict[str, str]) -> None:
    for options in (OPTIONS, WITH_DOMAIN):
        decode(container(labels=labels), options)


@pytest.mark.parametrize(
    ("text", "routed"),
    [
        ("tag==api-*", True),
        ("tag!=api-*", False),
        ("Label(`env`, `live`)", True),
        ("!LabelRegex(`env`, `^l`)", False),
    ],
)
def test_constraints_look_at_tags_and_labels(text: str, routed: bool) -> None:
    labels = {"traefik.tags": "api-1, b", "env": "live", "traefik.frontend.rule": "Host:a"}
    decoded = decode(container(labels=labels), OPTIONS, parse(text))
    assert bool(decoded.routers) == routed
    told = [item.message for item in decoded.diagnostics]
    assert told == ([] if routed else ["not routed: it does not match providers.docker.constraints"])
