"""Traefik 1's annotations of Ingresses and Services to rules, middlewares and options of services."""

from typing import Any

import pytest

from rondpoint.configuration import Configuration
from rondpoint.model import Member, Middleware
from tests.discovery.certificates.pairs import make_pair
from tests.discovery.providers.kubernetes_ingress.decoding import (
    SEALER,
    WEB,
    messages,
    routes,
    rules,
    urls,
)
from tests.lab.kubernetes.manifests import (
    TRAEFIK,
    Manifest,
    backend,
    endpoint,
    endpoint_slice,
    ingress,
    secret,
    service,
)

NAME = "default-web-web-test-shop@kubernetes"


def annotated(**names: str) -> Manifest:
    """Return an Ingress for /shop; `rule_type="…"` is the annotation `rule-type`."""
    return ingress(
        path="/shop",
        annotations={TRAEFIK + name.replace("_", "-"): value for name, value in names.items()},
    )


def middlewares(configuration: Configuration, router: str = NAME) -> list[Middleware]:
    return [configuration.middlewares[name] for name in configuration.routers[router].middlewares]


RULES: dict[str, tuple[dict[str, str], str, list[tuple[str, dict[str, Any]]]]] = {
    "prefix": ({"rule_type": "PathPrefix"}, "PathPrefix:/shop;Host:web.test", []),
    "path": ({"rule_type": "Path"}, "Path:/shop;Host:web.test", []),
    "strip": (
        {"rule_type": "PathPrefixStrip"},
        "PathPrefixStrip:/shop;Host:web.test",
        [("stripPrefix", {"prefixes": ["/shop"]})],
    ),
    "rewrite": (
        {"rewrite_target": "/app/"},
        "PathPrefix:/shop;ReplacePathRegex:^/shop(.*) /app$1;Host:web.test",
        [("replacePathRegex", {"regex": "^/shop(.*)", "replacement": "/app$1"})],
    ),
    "modifier": (
        {"request_modifier": "AddPrefix: /app"},
        "PathPrefix:/shop;AddPrefix:/app;Host:web.test",
        [("addPrefix", {"prefix": "/app"})],
    ),
    "modifier-regex": (
        {"request_modifier": "ReplacePathRegex: ^/shop/(.*) /$1"},
        "PathPrefix:/shop;ReplacePathRegex:^/shop/(.*) /$1;Host:web.test",
        [("replacePathRegex", {"regex": "^/shop/(.*)", "replacement": "/$1"})],
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_rules(case: str) -> None:
    names, rule, expected = RULES[case]
    found = routes(annotated(**names), *WEB)
    assert rules(found) == {NAME.removesuffix("@kubernetes"): rule}
    assert [(each.kind, each.options) for each in middlewares(found)] == expected
    assert found.diagnostics == ()


def test_a_wildcard_host_and_a_rewrite_of_the_root() -> None:
    given = ingress(host="*.web.test", annotations={f"{TRAEFIK}rewrite-target": "/app"})
    found = routes(given, *WEB)
    assert list(rules(found).values()) == [
        "PathPrefix:/;ReplacePathRegex:^(.*) /app$1;HostRegexp:{subdomain:[A-Za-z0-9-_]+}.web.test"
    ]


CLOSED: dict[str, tuple[dict[str, str], str]] = {
    "unknown-rule-type": ({"rule_type": "Host"}, "expected one of Path, PathPrefix"),
    "rewrite-and-replace": (
        {"rule_type": "ReplacePath", "rewrite_target": "/a"},
        "rewrite-target contradicts",
    ),
    "modifier-and-replace": (
        {"rule_type": "ReplacePath", "request_modifier": "AddPrefix:/a"},
        "request-modifier contradicts",
    ),
    "empty-modifier": ({"request_modifier": "AddPrefix:"}, "expected one of AddPrefix"),
    "matcher-as-modifier": ({"request_modifier": "Host:a"}, "expected one of AddPrefix"),
    "realm": ({"auth_type": "basic", "auth_realm": "shop"}, "expected traefik"),
    "unknown-auth-type": ({"auth_type": "ldap"}, "expected basic, digest or forward"),
    "auth-without-type": ({"auth_secret": "users"}, "has no auth-type with it"),
    "basic-without-secret": ({"auth_type": "basic"}, "has no auth-secret with it"),
    "missing-secret": (
        {"auth_type": "basic", "auth_secret": "missing"},
        "the secret default/missing does not exist",
    ),
    "secret-of-two": ({"auth_type": "digest", "auth_secret": "two"}, "has 2 entries"),
    "forward-without-url": ({"auth_type": "forward"}, "has no auth-url with it"),
    "forward-with-key": (
        {"auth_type": "forward", "auth_url": "http://auth.test", "auth_tls_secret": "users"},
        "auth-tls-secret cannot be used: the secret default/users has no tls.crt and no tls.key in PEM",
    ),
    "misspelt-auth": ({"auth_typ": "basic"}, "did you mean auth-type?"),
    "misspelt-white-list": ({"whitelist_source_rang": "10.0.0.0/8"}, "may be meant to protect"),
    "broken-rate-limit": ({"rate_limit": "a: [b"}, "is not valid YAML"),
    "rate-limit-as-text": ({"rate_limit": "many"}, "is not valid YAML"),
    "unknown-protocol": ({"protocol": "ftp"}, "protocol is not valid"),
    "weights-as-text": ({"service_weights": "half"}, "expected lines such as shop: 30%"),
    "weights-too-high": ({"service_weights": "web: 101%"}, "is not between"),
}


@pytest.mark.parametrize("case", CLOSED)
def test_annotations_that_close_the_routes(case: str) -> None:
    names, message = CLOSED[case]
    users = (secret("users", {"auth": "a:b"}), secret("two", {"a": "b", "c": "d"}))
    found = routes(annotated(**names), *WEB, *users)
    assert not found.routers
    assert message in messages(found)


MIDDLEWARES: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "white-list": (
        {"whitelist_source_range": "10.0.0.0/8, 192.168.1.1"},
        "ipAllowList",
        {"sourceRange": ["10.0.0.0/8", "192.168.1.1/32"]},
    ),
    "white-list-forwarded": (
        {"whitelist_source_range": "10.0.0.0/8", "whitelist_x_forwarded_for": "true"},
        "ipAllowList",
        {"sourceRange": ["10.0.0.0/8"], "ipStrategy": {"depth": 1}},
    ),
    "redirect-regex": (
        {
            "redirect_regex": "^http://web.test/(.*)",
            "redirect_replacement": "https://web.test/$1",
            "redirect_permanent": "true",
        },
        "redirectRegex",
        {"regex": "^http://web.test/(.*)", "replacement": "https://web.test/$1", "permanent": True},
    ),
    "basic": (
        {"auth_type": "basic", "auth_secret": "users", "auth_remove_header": "true"},
        "basicAuth",
        {"users": ["test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"], "removeHeader": True},
    ),
    "basic-with-header": (
        {"auth_type": "Basic", "auth_secret": "users", "auth_header_field": "X-User"},
        "basicAuth",
        {"users": ["test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"], "headerField": "X-User"},
    ),
    "digest": (
        {"auth_type": "digest", "auth_secret": "digest-users"},
        "digestAuth",
        {"users": ["test:traefik:a2688e031edb4be6a3797f3882655c05"]},
    ),
    "forward": (
        {
            "auth_type": "forward",
            "auth_url": "http://auth.test/",
            "auth_trust_headers": "true",
            "auth_response_headers": "X-User, X-Groups",
        },
        "forwardAuth",
        {
            "address": "http://auth.test/",
            "trustForwardHeader": True,
            "authResponseHeaders": ["X-User", "X-Groups"],
        },
    ),
    "rate-limit": (
        {
            "rate_limit": "extractorFunc: client.ip\nrateSet:\n  all:\n    period: 3s\n"
            "    average: 5\n    burst: 10\n"
        },
        "rateLimit",
        {"period": 3.0, "average": 5, "burst": 10},
    ),
    "headers": (
        {"custom_request_headers": "X-A:1||X-B:2", "frame_deny": "true", "hsts_max_age": "315360000"},
        "headers",
        {
            "customRequestHeaders": {"X-A": "1", "X-B": "2"},
            "frameDeny": True,
            "STSSeconds": 315360000,
        },
    ),
    "ssl-redirect": ({"ssl_redirect": "true"}, "headers", {"SSLRedirect": True}),
    "client-certificate": ({"pass_client_tls_cert": "pem: true"}, "passTLSClientCert", {"pem": True}),
}


@pytest.mark.parametrize("case", MIDDLEWARES)
def test_middlewares(case: str) -> None:
    names, kind, expected = MIDDLEWARES[case]
    users = (
        secret("users", {"auth": "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\n"}),
        secret("digest-users", {"auth": "test:traefik:a2688e031edb4be6a3797f3882655c05\n"}),
    )
    found = routes(annotated(**names), *WEB, *users)
    (made,) = middlewares(found)
    assert (made.kind, made.unusable) == (kind, False)
    lowered = {name.lower(): value for name, value in made.options.items()}
    assert {name: lowered.get(name.lower()) for name in expected} == expected
    assert found.diagnostics == ()


def test_a_client_certificate_for_the_authentication_server_has_a_sealed_key() -> None:
    pair = make_pair("client.test")
    names = {"auth_type": "forward", "auth_url": "https://auth.test", "auth_tls_secret": "client"}
    client = secret("client", {"tls.crt": pair.certificate, "tls.key": pair.key})
    found = routes(annotated(**names, auth_tls_insecure="true"), *WEB, client)
    [middleware] = found.middlewares.values()
    tls = middleware.options["tls"]
    assert (tls["cert"], tls["insecureSkipVerify"]) == (pair.certificate, True)
    assert SEALER.open(tls["key"]) == pair.key != tls["key"]


def test_a_redirect_to_an_entry_point() -> None:
    found = routes(annotated(redirect_entry_point="https"), *WEB)
    (made,) = middlewares(found)
    assert made.kind == "redirectEntryPoint"
    assert made.options["entryPoint"] == "https"


def test_the_application_root_is_redirected_to_from_the_root_of_the_host() -> None:
    root = ingress(annotations={f"{TRAEFIK}app-root": "/app"})
    (made,) = middlewares(routes(root, *WEB), "default-web-web-test@kubernetes")
    assert made.options["regex"] == r"web\.test/$"
    assert made.options["replacement"] == "web.test/app"
    assert middlewares(routes(annotated(app_root="/app"), *WEB)) == []


def test_error_pages_name_a_backend_by_its_host_and_path() -> None:
    given = annotated(error_pages="down:\n  status: ['500-599']\n  backend: web.test/shop\n  query: /x")
    found = routes(given, *WEB)
    (made,) = middlewares(found)
    assert made.kind == "errors"
    assert made.options["service"] == "default-web-80@kubernetes"


INEFFECTIVE: dict[str, dict[str, str]] = {
    "redirect-permanent-alone": {"redirect_permanent": "true"},
    "redirect-regex-alone": {"redirect_regex": "^a"},
    "forwarded-alone": {"whitelist_x_forwarded_for": "true"},
    "headers-off": {"frame_deny": "false"},
}


@pytest.mark.parametrize("case", INEFFECTIVE)
def test_options_without_effect_make_no_middleware(case: str) -> None:
    found = routes(annotated(**INEFFECTIVE[case]), *WEB)
    assert middlewares(found) == []


ROUTERS: dict[str, tuple[dict[str, str], str, object]] = {
    "entry-points": ({"frontend_entry_points": "http,https"}, "entry_points", ("http", "https")),
    "priority": ({"priority": "7"}, "priority", 7),
    "preserve-host": ({"preserve_host": "false"}, "pass_host_header", False),
    "rule-length": ({"rule_type": "Path"}, "priority", len("Path:/shop;Host:web.test")),
    "priority-of-a-rule": ({"rule_type": "Path", "priority": "7"}, "priority", 7),
}


@pytest.mark.parametrize("case", ROUTERS)
def test_options_of_routers(case: str) -> None:
    names, field, expected = ROUTERS[case]
    found = routes(annotated(**names), *WEB)
    assert getattr(found.routers[NAME], field) == expected


def test_the_default_of_preserve_host_is_a_setting() -> None:
    off = routes(annotated(), *WEB, pass_host_header=False)
    assert not off.routers[NAME].pass_host_header
    on = routes(annotated(preserve_host="true"), *WEB, pass_host_header=False)
    assert on.routers[NAME].pass_host_header


def test_the_protocol_is_that_of_the_servers() -> None:
    assert urls(routes(annotated(protocol="h2c"), *WEB)) == ["h2c://10.1.0.1:8080"]


@pytest.mark.parametrize(
    "name",
    [
        "ingress.kubernetes.io/rule-type",
        "traefik.ingress.kubernetes.io/rule-type",
        "traefik.frontend.rule.type",
    ],
    ids=["bare", "prefixed", "label"],
)
def test_annotations_may_have_older_names(name: str) -> None:
    found = routes(ingress(path="/shop", annotations={name: "Path"}), *WEB)
    assert list(rules(found).values()) == ["Path:/shop;Host:web.test"]


def test_messages_name_the_annotation() -> None:
    found = routes(annotated(whitelist_source_range="10.0.0.0/99"), *WEB)
    assert "annotation traefik.ingress.kubernetes.io/whitelist-source-range" in messages(found)
    (made,) = middlewares(found)
    assert made.unusable


def test_an_annotation_of_services_on_an_ingress_is_reported() -> None:
    found = routes(annotated(affinity="true"), *WEB)
    assert "has no effect on an Ingress (put it on the Service)" in messages(found)


def test_an_unknown_annotation_is_reported() -> None:
    found = routes(annotated(colour="red"), *WEB)
    assert found.routers
    assert f"annotation {TRAEFIK}colour is unknown" in messages(found)


def test_annotations_of_other_controllers_do_not_count() -> None:
    found = routes(ingress(annotations={"nginx.ingress.kubernetes.io/auth-type": "basic"}), *WEB)
    assert found.routers
    assert found.diagnostics == ()


def of_service(**names: str) -> Configuration:
    annotations = {TRAEFIK + name.replace("_", "-"): value for name, value in names.items()}
    return routes(ingress(path="/shop"), service(annotations=annotations), endpoint_slice())


def test_affinity() -> None:
    found = of_service(affinity="true", session_cookie_name="s", session_secure="true")
    sticky = found.services["default-web-80@kubernetes"].sticky
    assert sticky is not None
    assert (sticky.name, sticky.secure) == ("s", True)
    assert of_service(session_cookie_name="s").services["default-web-80@kubernetes"].sticky is None


def test_the_load_balancing_method() -> None:
    found = of_service(load_balancer_method="drr")
    assert found.services["default-web-80@kubernetes"].strategy == "drr"


BACKENDS: dict[str, tuple[dict[str, str], str]] = {
    "circuit-breaker": ({"circuit_breaker_expression": "NetworkErrorRatio() > 0.5"}, "circuitBreaker"),
    "max-conn": ({"max_conn_amount": "10", "max_conn_extractor_func": "client.ip"}, "inFlightReq"),
    "buffering": ({"buffering": "maxRequestBodyBytes: 10485760"}, "buffering"),
}


@pytest.mark.parametrize("case", BACKENDS)
def test_limits_of_backends_become_middlewares_of_routers(case: str) -> None:
    names, kind = BACKENDS[case]
    found = of_service(**names)
    assert [(each.kind, each.unusable) for each in middlewares(found)] == [(kind, False)]
    assert found.diagnostics == ()


def weighted(weights: str, *services: str) -> Configuration:
    given = annotated(service_weights=weights)
    paths = [{"path": "/shop", "pathType": "Prefix", "backend": backend(name)} for name in services]
    given["spec"]["rules"][0]["http"]["paths"] = paths
    pods = {"a": 1, "b": 1, "c": 3}
    objects = [
        each
        for name in services
        for each in (
            service(name),
            endpoint_slice(name, [endpoint(f"10.1.{ord(name)}.{number}") for number in range(pods[name])]),
        )
    ]
    return routes(given, *objects)


WEIGHTS: dict[str, tuple[str, tuple[str, ...], list[tuple[str, int]]]] = {
    "two": ("a: 30%\nb: 70%", ("a", "b"), [("a", 30_000), ("b", 70_000)]),
    "fraction": ("a: 12.5%\nb: 87.5%", ("a", "b"), [("a", 12_500), ("b", 87_500)]),
    "rest": ("a: 20%", ("a", "b"), [("a", 20_000), ("b", 80_000)]),
    "rest-by-servers": ("a: 20%", ("a", "b", "c"), [("a", 20_000), ("b", 20_000), ("c", 60_000)]),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights(case: str) -> None:
    weights, services, expected = WEIGHTS[case]
    found = weighted(weights, *services)
    service = found.services[found.routers[NAME].service]
    assert service.composition == "weighted"
    assert service.members == tuple(
        Member(f"default-{name}-80@kubernetes", weight) for name, weight in expected
    )
    assert all(urls(found, f"default-{name}-80") for name, _ in expected)
    assert found.diagnostics == ()


@pytest.mark.parametrize(
    ("weights", "message"),
    [("a: 60%\nb: 60%", "more than 100 %"), ("a: 20%\nb: 20%", "no service is left")],
    ids=["too-many", "too-few"],
)
def test_weights_that_are_not_100_percent(weights: str, message: str) -> None:
    found = weighted(weights, "a", "b")
    assert not found.routers
    assert message in messages(found)
