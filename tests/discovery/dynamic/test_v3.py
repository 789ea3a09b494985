"""Traefik 3's dynamic trees."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from discovery.dynamic import decode
from rondpoint.diagnostics import Severity
from rondpoint.model import FailoverErrors, Member, Mirror, Mirroring, Server, Service, StickyCookie

GOOD = """
http:
  routers:
    Hello:
      rule: Host(`hello.test`) && PathPrefix(`/api`)
      service: hello
      priority: 12
      entryPoints: [web]
      middlewares: [m, other@docker]
    plain: {rule: Host(`plain.test`), service: elsewhere@docker}
  services:
    hello:
      loadBalancer:
        passHostHeader: false
        servers:
        - {url: "http://10.0.0.2:8080", weight: 3}
        - url: https://backend.test/
        - url: http://[::1]:81
  middlewares:
    m: {stripPrefix: {prefixes: [/api]}}
    n: {grpcWeb: {allowOrigins: [a]}}
"""


def tree(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def test_routers_services_and_middlewares() -> None:
    decoded = decode(tree(GOOD), "file", "routes.yml")
    hello, plain = decoded.routers
    assert (hello.name, hello.service, hello.priority) == ("Hello@file", "hello@file", 12)
    assert (hello.entry_points, hello.middlewares) == (("web",), ("m@file", "other@docker"))
    assert (plain.service, plain.priority) == ("elsewhere@docker", len("Host(`plain.test`)"))
    (service,) = decoded.services
    assert not service.pass_host_header
    assert service.servers == (
        Server("http://10.0.0.2:8080", "10.0.0.2", 8080, "http", 3),
        Server("http://[::1]:81", "::1", 81),
        Server("https://backend.test:443", "backend.test", 443, "https"),
    )
    assert decoded.middlewares[0].options == {"prefixes": ["/api"]}
    assert decoded.middlewares[1].options == {"allowOrigins": ["a"]}
    assert not decoded.diagnostics


def test_option_names_are_case_insensitive() -> None:
    text = GOOD.replace("loadBalancer", "LOADBALANCER").replace("entryPoints", "entrypoints")
    assert decode(tree(text), "file", "f").routers == decode(tree(GOOD), "file", "f").routers


def test_a_server_given_twice_is_two_servers() -> None:
    text = "http: {services: {s: {loadBalancer: {servers: [{url: 'http://a'}, {url: 'http://a:80'}]}}}}"
    (service,) = decode(tree(text), "file", "f").services
    assert [server.name for server in service.servers] == ["http://a:80", "http://a:80#2"]


ONE = """
http:
  routers: {{r: {{rule: "Host(`r.test`)", service: s{router}}}}}
  services: {{s: {{loadBalancer: {{servers: [{{url: "http://10.0.0.1"}}{server}]{balancer}}}{service}}}}}
  {http}
{top}
"""


def one(**parts: str) -> dict[str, Any]:
    return tree(
        ONE.format(
            **{**dict.fromkeys(("router", "server", "balancer", "service", "http", "top"), ""), **parts}
        )
    )


TOLD = [
    ({"router": ", sevice: x"}, True, "warning", "http.routers.r.sevice is unknown", "did you mean service?"),
    (
        {"router": ", observability: {traces: true}"},
        True,
        "warning",
        "http.routers.r.observability.traces is unknown",
        "",
    ),
    (
        {"router": ", observability: {tracing: perhaps}"},
        True,
        "error",
        'http.routers.r.observability.tracing="perhaps" is not valid',
        "expected true or false",
    ),
    (
        {"router": ", observability: {traceVerbosity: much}"},
        True,
        "error",
        'http.routers.r.observability.traceVerbosity="much" is not valid',
        "expected one of minimal, detailed",
    ),
    ({"router": ", priority: high"}, True, "error", 'http.routers.r.priority="high" is not valid', "whole"),
    ({"router": ", middlewares: {a: b}"}, False, "error", "http.routers.r.middlewares={'a': 'b'}", "list"),
    ({"server": ", {url: nope}"}, True, "error", 'servers[1].url="nope" is not valid', "http://10.0.0.7:80"),
    ({"server": ", {url: 'http://a/path'}"}, True, "error", "is not valid", "without path"),
    ({"server": ", {url: 'http://a:99999'}"}, True, "error", "is not valid", "http://10.0.0.7:80"),
    ({"server": ", {url: 'ftp://a'}"}, True, "error", "is not valid", "http, https, h2c"),
    ({"server": ", {url: 'http://u:p@a'}"}, True, "error", "is not valid", "user and password"),
    ({"server": ", {weight: 1}"}, True, "error", "servers[1] has no url, so it is left out", ""),
    ({"server": ", 'http://a'"}, True, "error", 'servers[1]="http://a" is not valid', "options below it"),
    (
        {"server": ", {url: 'http://a', weight: x}"},
        True,
        "error",
        'servers[1].weight="x" is not valid',
        "weight",
    ),
    (
        {"server": ", {url: 'http://a', preservePath: true}"},
        True,
        "warning",
        "preservePath is not served",
        "",
    ),
    (
        {"balancer": ", strategy: random"},
        True,
        "error",
        'loadBalancer.strategy="random" is not valid',
        "expected one of wrr, p2c, hrw, leasttime, leastconn, drr",
    ),
    (
        {"balancer": ", slowStart: 2h"},
        True,
        "error",
        'loadBalancer.slowStart="2h" is not valid',
        "expected up to 3600 seconds",
    ),
    ({"balancer": ", helthCheck: {}"}, True, "warning", "helthCheck is unknown", "did you mean healthCheck?"),
    (
        {"http": "middlewares: {m: {}}"},
        True,
        "error",
        "http.middlewares.m must have exactly one kind, but has none",
        "",
    ),
    ({"http": "middlewares: {m: {addPrefx: {}}}"}, True, "error", "unknown kind", "did you mean addPrefix?"),
    ({"top": "htp: {}"}, True, "warning", "htp is unknown", "did you mean http?"),
    ({"top": "entryPoints: {}"}, True, "note", "entryPoints: static settings are not read", ""),
]


@pytest.mark.parametrize(("parts", "routed", "severity", "message", "hint"), TOLD)
def test_errors_are_reported_and_the_rest_is_decoded(
    parts: dict[str, str], routed: bool, severity: str, message: str, hint: str
) -> None:
    decoded = decode(one(**parts), "file", "routes.yml")
    assert bool(decoded.routers) == routed
    assert decoded.services[0].servers[0].host == "10.0.0.1"
    (found,) = decoded.diagnostics
    assert (found.severity, found.source, found.subject) == (severity, "file", "routes.yml")
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("http: {routers: {R: {rule: Hos(`a`), service: s}}}", "router R@file"),
        ("http: {routers: {r: {rule: Host(`a`), parentRefs: []}}}", "router r@file"),
        ("http: {services: {s: {}}}", "service s@file"),
        ("http: {services: {s: {loadBalancer: {servers: [{}]}}}}", "service s@file"),
        ("http: {middlewares: {m: {addPrefx: {}}}}", "middleware m@file"),
        ("frontends: {f: {backend: b, routes: {r: {rule: 'Hos:a'}}}}", "router f@file"),
        ("backends: {b: {servers: {s: {url: nope}}}}", "service b@file"),
        ("tcp: {routers: {r: {rule: 'Host(`a`)', service: s}}}", "TCP router r@file"),
        ("tcp: {services: {s: {}}}", "TCP service s@file"),
        ("tcp: {middlewares: {m: {rateLimit: {}}}}", "TCP middleware m@file"),
        ("tcp: {serversTransports: {t: {tls: nope}}}", "TCP serversTransport t@file"),
        ("udp: {routers: {r: {service: s, rule: x}}}", "UDP router r@file"),
        ("udp: {services: {s: {}}}", "UDP service s@file"),
    ],
)
def test_a_diagnostic_names_the_object_that_it_is_about(text: str, about: str) -> None:
    diagnostics = decode(tree(text), "file", "routes.yml").diagnostics
    assert {item.about for item in diagnostics} == {about}


COMPOSITE = [
    (
        "weighted: {services: [{name: a, weight: 3}, {name: b@docker}], sticky: {cookie: {name: c}}}",
        Service(
            "s@file",
            composition="weighted",
            members=(Member("a@file", 3), Member("b@docker")),
            sticky=StickyCookie("c"),
        ),
    ),
    (
        "weighted: {services: [{name: a, weight: 0}], healthCheck: {}}",
        Service("s@file", composition="weighted", members=(Member("a@file", 0),)),
    ),
    (
        "highestRandomWeight: {services: [{name: a, weight: 3}, {name: b}]}",
        Service("s@file", composition="highestRandomWeight", members=(Member("a@file", 3), Member("b@file"))),
    ),
    (
        "failover: {service: a, fallback: b@docker, healthCheck: {}}",
        Service("s@file", composition="failover", members=(Member("a@file"), Member("b@docker"))),
    ),
    (
        "failover: {service: a, fallback: b}, middlewares: m",
        Service(
            "s@file",
            composition="failover",
            members=(Member("a@file"), Member("b@file")),
            middlewares=("m@file",),
        ),
    ),
    (
        "mirroring: {service: a, mirrors: [{name: b@docker, percent: 10}, {name: c}], healthCheck: {}}",
        Service(
            "s@file",
            composition="mirroring",
            members=(Member("a@file"),),
            mirroring=Mirroring((Mirror("b@docker", 10), Mirror("c@file", 0))),
        ),
    ),
    (
        "mirroring: {service: a, mirrors: [{name: b, percent: '100'}], mirrorBody: false, maxBodySize: 9}",
        Service(
            "s@file",
            composition="mirroring",
            members=(Member("a@file"),),
            mirroring=Mirroring((Mirror("b@file", 100),), mirror_body=False, max_body_size=9),
        ),
    ),
]


@pytest.mark.parametrize(("options", "service"), COMPOSITE)
def test_composite_services_are_decoded(options: str, service: Service) -> None:
    text = f"http: {{services: {{s: {{{options}}}}}, routers: {{r: {{rule: 'Host(`a`)', service: s}}}}}}"
    decoded = decode(tree(text), "file", "f")
    assert decoded.services == (service,)
    assert [router.service for router in decoded.routers] == ["s@file"]
    assert not decoded.diagnostics


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        (
            "{status: ['500-599', '404'], maxRequestBodyBytes: 1024}",
            FailoverErrors(("500-599", "404"), 1024),
        ),
        ("{status: '503'}", FailoverErrors(("503",))),
        ("{maxRequestBodyBytes: 1}", None),
        ("{}", None),
    ],
)
def test_the_errors_of_a_failover(options: str, errors: FailoverErrors | None) -> None:
    failover = f"failover: {{service: a, fallback: b, errors: {options}}}"
    decoded = decode(tree(f"http: {{services: {{s: {{{failover}}}}}}}"), "file", "f")
    assert not decoded.diagnostics
    assert decoded.services[0].failover_errors == errors


@pytest.mark.parametrize(
    ("options", "message", "served"),
    [
        ("weighted: {}", "weighted.services is missing", False),
        ("weighted: {services: [{weight: 1}]}", "weighted.services[0].name is missing", False),
        (
            "weighted: {services: [{name: a, weight: -1}]}",
            "weighted.services[0].weight=-1 is not valid",
            True,
        ),
        ("weighted: {services: [{name: a, wieght: 1}]}", "weighted.services[0].wieght is unknown", True),
        ("weighted: {service: [{name: a}]}", "weighted.service is unknown", False),
        ("weighted: 7", "weighted=7 is not valid", False),
        ("mirroring: {mirrors: [{name: a}]}", "mirroring.service is missing", False),
        (
            "mirroring: {service: a, mirrors: [{name: b, percent: 101}]}",
            "mirrors[0].percent=101 is not valid",
            True,
        ),
        ("mirroring: {service: a}", "mirroring.mirrors is missing", True),
        ("mirroring: {service: a, mirrors: [{percent: 5}]}", "mirrors[0].name is missing", True),
        ("failover: {service: a}", "failover.fallback is missing", True),
        (
            "failover: {service: a, fallback: b, errors: {status: [x]}}",
            "errors.status=['x'] is not valid",
            True,
        ),
        (
            "failover: {service: a, fallback: b}, loadBalancer: {}",
            "has several kinds: failover, loadBalancer",
            False,
        ),
        ("middlewares: {a: b}, loadBalancer: {}", "middlewares={'a': 'b'} is not valid", False),
    ],
)
def test_errors_in_composite_services_are_reported(options: str, message: str, served: bool) -> None:
    decoded = decode(tree(f"http: {{services: {{s: {{{options}}}}}}}"), "file", "f")
    assert [bool(service.members) for service in decoded.services] == [served]
    assert [bool(service.unserved) for service in decoded.services] == [not served]
    assert any("http.services.s" in item.message and message in item.message for item in decoded.diagnostics)


def test_middlewares_of_a_service_are_qualified() -> None:
    text = """
    http:
      services: {s: {middlewares: [m, n@docker], loadBalancer: {servers: [{url: 'http://a'}]}}}
      routers: {r: {rule: 'Host(`a`)', service: s}}
      middlewares: {m: {grpcWeb: {allowOrigins: [a]}}}
    """
    decoded = decode(tree(text), "file", "f")
    assert decoded.services[0].middlewares == ("m@file", "n@docker")
    assert decoded.routers[0].middlewares == ()
    assert not decoded.diagnostics


def test_a_router_needs_a_rule() -> None:
    text = (
        "http: {services: {s: {loadBalancer: {servers: [{url: 'http://a'}]}}}, routers: {r: {priority: 1}}}"
    )
    decoded = decode(tree(text), "file", "f")
    assert decoded.routers == ()
    assert [item.message for item in decoded.diagnostics] == ["http.routers.r has no rule"]


@pytest.mark.parametrize(
    ("options", "service", "parents"),
    [
        ("middlewares: [m@x]", "", ()),
        ("service: s, parentRefs: [api, other@docker]", "s@file", ("api@file", "other@docker")),
        ("service: s, PARENTREFS: 'a,b,a'", "s@file", ("a@file", "b@file")),
        ("parentRefs: [api]", "", ("api@file",)),
    ],
)
def test_a_router_of_a_file_may_have_child_routers_or_parents(
    options: str, service: str, parents: tuple[str, ...]
) -> None:
    decoded = decode(tree(f"http: {{routers: {{r: {{rule: Host(`a`), {options}}}}}}}"), "file", "f")
    (router,) = decoded.routers
    assert (router.service, router.parents, decoded.diagnostics) == (service, parents, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("service: ''", 'http.routers.r.service="" is not valid'),
        (
            "service: s, parentRefs: []",
            "http.routers.r.parentRefs names no router, so the router is left out",
        ),
        ("service: s, parentRefs: {a: b}", "http.routers.r.parentRefs={'a': 'b'} is not valid"),
        (
            "service: s, parentRef: [api]",
            "http.routers.r.parentRef may be meant to protect the router, so it is left out",
        ),
        *(
            (
                f"service: s, parentRefs: [api], {option}: {value}",
                f"http.routers.r.{option} is an option of its parent routers, so the router is left out",
            )
            for option, value in (
                ("entryPoints", "[web]"),
                ("tls", "{}"),
                ("observability", "{metrics: true}"),
            )
        ),
    ],
)
def test_a_router_that_its_parents_would_not_guard_is_left_out(options: str, message: str) -> None:
    decoded = decode(tree(f"http: {{routers: {{r: {{rule: Host(`a`), {options}}}}}}}"), "file", "f")
    assert decoded.routers == ()
    assert [item.message for item in decoded.diagnostics if item.severity is Severity.ERROR] == [message]


def test_a_service_without_servers_stays_and_gives_a_warning() -> None:
    decoded = decode(tree("http: {services: {s: {loadBalancer: {servers: []}}}}"), "file", "f")
    assert decoded.services[0].servers == ()
    assert decoded.diagnostics[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    "http", ["x", 1, [], {"routers": []}, {"services": {"s": 1}}, {"routers": {"r": None}}]
)
def test_trees_with_a_wrong_shape_are_reported(http: object) -> None:
    decoded = decode({"http": http}, "file", "f")
    assert decoded.routers == decoded.services == ()
    assert decoded.diagnostics


def test_a_middleware_with_invalid_options_is_unusable_and_reported_with_its_key() -> None:
    text = """
    http: {middlewares: {m: {ipAllowList: {sourceRange: [10.0.0.0/99]}}, n: {addPrefix: {prefix: /a}}}}
    """
    decoded = decode(tree(text), "file", "f")
    assert {item.name: item.unusable for item in decoded.middlewares} == {"m@file": True, "n@file": False}
    errors = [item for item in decoded.diagnostics if item.severity is Severity.ERROR]
    assert len(errors) == 1
    assert "http.middlewares.m.ipAllowList.sourceRange=['10.0.0.0/99'] is not valid" in errors[0].message
    assert "10.0.0.0/8" in errors[0].hint


def test_diagnostics_do_not_show_password_hashes() -> None:
    decoded = decode(tree("http: {middlewares: {m: {digestAuth: {users: ['me:my-hash']}}}}"), "file", "f")
    assert decoded.middlewares[0].unusable
    assert not any("my-hash" in str(item) for item in decoded.diagnostics)


def test_options_that_traefik_3_ignores_are_reported_and_left_out() -> None:
    text = """http: {middlewares: {m: {headers: {
        SSLRedirect: true, sslhost: a.test, sslForceHost: false, featurePolicy: "x", frameDeny: true}}}}"""
    decoded = decode(tree(text), "file", "a.yml")
    (middleware,) = decoded.middlewares
    assert (middleware.options, middleware.unusable) == ({"frameDeny": True}, False)
    assert [(item.severity, item.message, item.hint) for item in decoded.diagnostics] == [
        (
            Severity.WARNING,
            f"http.middlewares.m.headers.{name} has no effect, as in Traefik 3",
            f"use {hint}",
        )
        for name, hint in (
            ("sslRedirect", "the middleware redirectScheme"),
            ("sslHost", "the middleware redirectRegex"),
            ("featurePolicy", "permissionsPolicy"),
        )
    ]


def test_a_header_that_frames_messages_makes_the_middleware_unusable() -> None:
    text = "http: {middlewares: {m: {headers: {customRequestHeaders: {Connection: x-secret}}}}}"
    decoded = decode(tree(text), "file", "a.yml")
    assert decoded.middlewares[0].unusable
    (diagnostic,) = decoded.diagnostics
    assert diagnostic.hint == "expected no Connection: only the proxy may set headers that frame messages"


def test_headers_for_websocket_have_no_effect_and_get_a_note() -> None:
    text = "http: {middlewares: {m: {headers: {customRequestHeaders: {Connection: Upgrade, X-A: b}}}}}"
    decoded = decode(tree(text), "file", "a.yml")
    (middleware,) = decoded.middlewares
    assert not middleware.unusable
    assert middleware.options == {"customRequestHeaders": {"X-A": "b"}}
    (note,) = decoded.diagnostics
    assert note.severity is Severity.NOTE
    assert note.message == "http.middlewares.m.headers.customRequestHeaders.Connection has no effect"


def test_models_are_reported_with_the_option_that_has_their_effect() -> None:
    text = "http: {models: {web: {middlewares: [a], tls: {}, observability: {metrics: false}, tsl: {}}}}"
    decoded = decode(tree(text), "file", "f")
    assert [(item.severity, item.message, item.hint) for item in decoded.diagnostics] == [
        (
            Severity.ERROR,
            "http.models.web.middlewares has no effect, as in Traefik",
            "set entryPoints.web.http.middlewares, in the settings",
        ),
        (
            Severity.ERROR,
            "http.models.web.tls has no effect, as in Traefik",
            "set entryPoints.web.http.tls, in the settings",
        ),
        (
            Severity.WARNING,
            "http.models.web.observability has no effect, as in Traefik",
            "set entryPoints.web.observability, in the settings",
        ),
        (Severity.WARNING, "http.models.web.tsl is unknown", "did you mean tls?"),
    ]
