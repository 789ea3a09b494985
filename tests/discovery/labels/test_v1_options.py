"""Options of Traefik 1 frontends and backends: in labels, in segments' labels and in files."""

from __future__ import annotations

import pytest

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.dynamic import decode as decode_file
from discovery.labels import decode
from discovery.labels.v1_options import options_tree
from proxy.middlewares.chains import Chains
from rondpoint.diagnostics import Severity
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.model import Service
from tests.discovery.labels.containers import OPTIONS, container
from tests.discovery.labels.v1_options import BACKEND_MIDDLEWARES, BACKEND_OPTIONS, FRONTEND_MIDDLEWARES, Row

PLAIN = {"port": "80", "backend": "hello", "frontend.rule": "Host:hello.docker"}
PATH = {"frontend.rule": "Host:hello.docker;PathPrefixStrip:/x"}


def decoded(labels: dict[str, str], segment: str = "") -> Decoded:
    """Decode the labels of a container, or of its only segment."""
    lead = f"traefik.{segment}." if segment else "traefik."
    given = {f"{lead}{name}": value for name, value in (PLAIN | labels).items()}
    return decode(container(labels=given), OPTIONS)


def of_file(labels: dict[str, str]) -> Decoded:
    tree = options_tree({f"traefik.{name}": value for name, value in labels.items()}, Report("file", "f"))
    backend = {"servers": {"s": {"url": "http://10.0.0.1"}}}
    frontend = {"backend": "hello", "routes": {"r": {"rule": "Host:hello.docker"}}}
    backend.update(tree.get("backend", {}))  # type: ignore[call-overload]
    frontend.update(tree.get("frontend", {}))  # type: ignore[call-overload]
    return decode_file({"backends": {"hello": backend}, "frontends": {"F": frontend}}, "file", "f")


def made(found: Decoded, *, labels: bool = True) -> list[tuple[str, str, dict[str, object]]]:
    """Return the middlewares in the form of the rows, which have the suffixes of names only."""
    (router,) = found.routers
    bare, _, provider = router.name.rpartition("@")
    assert router.middlewares == tuple(middleware.name for middleware in found.middlewares)
    assert not any(middleware.unusable for middleware in found.middlewares)
    return [
        (
            middleware.name.removeprefix(f"{bare}-").removesuffix(f"@{provider}"),
            middleware.kind,
            _unqualified(middleware.options, provider, labels=labels),
        )
        for middleware in found.middlewares
    ]


def _unqualified(options: dict[str, object], provider: str, *, labels: bool) -> dict[str, object]:
    service = options.get("service")
    if service is None:
        return options
    bare = str(service).removesuffix(f"@{provider}")
    # Files keep names unchanged.
    return options | {"service": bare if labels else bare.replace("_", "-")}


@pytest.mark.parametrize("row", FRONTEND_MIDDLEWARES, ids=lambda row: " ".join(row.labels))
def test_a_frontend_option_becomes_the_same_middleware_in_every_source(row: Row) -> None:
    wanted = list(row.middlewares)
    unserved = {kind for _, kind, _ in wanted} - SERVED_KINDS
    for found in (decoded(row.labels), decoded(row.labels, "part")):
        assert made(found) == wanted
        assert {item.severity for item in found.diagnostics} == ({Severity.ERROR} if unserved else set())
        assert all("is not served yet, so" in item.message for item in found.diagnostics)
    assert made(of_file(row.labels), labels=False) == wanted


USER = "a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="

SERVED_GUARDS = [
    ({"frontend.auth.basic": USER}, "basicAuth"),
    (
        {
            "frontend.auth.basic.users": USER,
            "frontend.auth.headerField": "X-User",
        },
        "basicAuth",
    ),
    ({"frontend.auth.basic.usersFile": "/users", "frontend.auth.basic.removeHeader": "true"}, "basicAuth"),
    ({"frontend.auth.forward.address": "http://auth.test"}, "forwardAuth"),
    (
        {
            "frontend.auth.forward.address": "https://auth.test/verify",
            "frontend.auth.forward.trustForwardHeader": "true",
            "frontend.auth.forward.authResponseHeaders": "X-User,X-Group",
            "frontend.auth.forward.tls.insecureSkipVerify": "true",
        },
        "forwardAuth",
    ),
    ({"frontend.auth.digest.users": "a:traefik:b"}, "digestAuth"),
    ({"frontend.whiteList.sourceRange": "10.0.0.0/8"}, "ipAllowList"),
    ({"frontend.whitelistSourceRange": "10.0.0.0/8"}, "ipAllowList"),
]


@pytest.mark.parametrize(("labels", "kind"), SERVED_GUARDS)
def test_guards_of_traefik_1_are_served(labels: dict[str, str], kind: str) -> None:
    found = decoded(labels)
    assert [kind for _, kind, _ in made(found)] == [kind]
    assert not found.diagnostics


@pytest.mark.parametrize("row", BACKEND_MIDDLEWARES, ids=lambda row: " ".join(row.labels))
def test_a_backend_option_becomes_the_same_middleware_in_every_source(row: Row) -> None:
    wanted = list(row.middlewares)
    for found in (decoded(row.labels), decoded(row.labels, "part"), of_file(row.labels)):
        assert made(found) == wanted
        assert not found.diagnostics


@pytest.mark.parametrize("row", BACKEND_OPTIONS, ids=lambda row: " ".join(row.labels))
def test_other_backend_options_are_stored_or_reported_and_the_route_stays(row: Row) -> None:
    for found in (decoded(row.labels), decoded(row.labels, "part"), of_file(row.labels)):
        (service,) = found.services
        assert made(found) == []
        assert service == Service(service.name, service.servers, **row.service)
        assert {item.severity for item in found.diagnostics} <= {Severity.WARNING}
        assert all("is not served yet" in item.message for item in found.diagnostics)


def test_middlewares_have_traefik_1s_order_and_path_changes_follow_them() -> None:
    labels = {
        "frontend.rateLimit.extractorFunc": "client.ip",
        "frontend.rateLimit.rateSet.a.average": "1",
        "frontend.auth.basic": "a:b",
        "frontend.passTLSClientCert.pem": "true",
        "frontend.headers.frameDeny": "true",
        "frontend.redirect.entryPoint": "https",
        "frontend.whiteList.sourceRange": "10.0.0.0/8",
        "frontend.errors.x.status": "500",
        "frontend.errors.x.backend": "y",
    }
    names = [name for name, _, _ in made(decoded(labels | PATH))]
    assert names == [
        *("errors-x", "ipAllowList", "redirect", "headers", "passTLSClientCert", "basicAuth", "rateLimit-a"),
        "stripPrefix",
    ]


def test_rate_sets_become_limits_that_are_served() -> None:
    found = decoded(
        {
            "frontend.rateLimit.extractorFunc": "client.ip",
            "frontend.rateLimit.rateSet.a.average": "100",
            "frontend.rateLimit.rateSet.a.burst": "200",
            "frontend.rateLimit.rateSet.b.period": "1m",
            "frontend.rateLimit.rateSet.b.average": "600",
        }
    )
    assert found.diagnostics == ()
    chains = Chains()
    for middleware in found.middlewares:
        chains.put(middleware)
    (router,) = found.routers
    assert len(chains.compile_chain(router.middlewares, "router", router.name)) == 2


UNREADABLE = [
    ({"auth.basic": "nobody"}, "auth.basic", "is not valid", "expected users as NAME:HASH"),
    (
        {"auth.basic": "", "auth.basic.removeHeader": "true"},
        "auth.basic.users",
        "is not valid",
        "expected at",
    ),
    ({"auth.basic.removeHeader": "true"}, "auth", "has neither users nor usersFile", "give users or"),
    (
        {"auth.basc.users": "a:b"},
        "auth",
        "names no authentication method",
        "expected basic, digest or forward",
    ),
    ({"auth": "a:b"}, "auth", "is not valid", "expected options below it"),
    ({"auth.forward.address": "auth:9000"}, "auth.forward.address", "is not valid", "expected a URL"),
    ({"auth.forward.trustForwardHeader": "true"}, "auth.forward.address", "is missing", ""),
    ({"auth.forward": "http://a.test"}, "auth.forward", "is not valid", "expected options below it"),
    ({"whiteList.sourceRange": "10.0.0.0/99"}, "whiteList.sourceRange", "is not valid", "expected addresses"),
    ({"whiteList.useXForwardedFor": "true"}, "whiteList.sourceRange", "is missing", ""),
    ({"redirect.regex": "^x"}, "redirect.replacement", "is missing", ""),
    ({"errors.x.status": "500"}, "errors.x.backend", "is missing", ""),
    ({"errors.x.backend": "y", "errors.x.status": "x"}, "errors.x.status", "is not valid", "expected status"),
    ({"headers.customRequestHeaders": "X"}, "headers.customRequestHeaders", "is not valid", "expected NAME:"),
    ({"headers.frameDeny": "maybe"}, "headers.frameDeny", "is not valid", "expected true"),
    (
        {"rateLimit.extractorFunc": "ip", "rateLimit.rateSet.a.average": "1"},
        "rateLimit.extractorFunc",
        "is not valid",
        "expected client.ip, request.host or request.header.NAME",
    ),
]


@pytest.mark.parametrize(("options", "place", "message", "hint"), UNREADABLE)
def test_an_invalid_frontend_option_denies_everyone_and_is_reported(
    options: dict[str, str], place: str, message: str, hint: str
) -> None:
    found = decoded({f"frontend.{name}": value for name, value in options.items()})
    (router,), (middleware,) = found.routers, found.middlewares
    assert router.middlewares == (middleware.name,)
    assert middleware.unusable
    told = [item for item in found.diagnostics if f"label traefik.frontend.{place}" in item.message]
    assert any(message in item.message and item.hint.startswith(hint) for item in told), told
    assert Severity.ERROR in {item.severity for item in told}


def test_diagnostics_name_a_segments_options_as_written() -> None:
    found = decoded({"frontend.errors.x.status": "abc", "frontend.errors.x.backend": "b"}, "part")
    assert any("label traefik.part.frontend.errors.x" in item.message for item in found.diagnostics)


WITHOUT_EFFECT = [
    {"frontend.headers.frameDeny": "false"},
    {"frontend.passTLSCert": "0"},
    {"frontend.auth.headerField": "X-User"},
    {"frontend.passTLSCert": "true"},
    {"frontend.rateLimit.extractorFunc": "client.ip"},
    {"frontend.rateLimit.rateSet.a.average": "1"},
    {"backend.healthcheck.interval": "1s"},
    {"backend.loadbalancer.stickiness.cookieName": "NAME"},
]


@pytest.mark.parametrize("labels", WITHOUT_EFFECT, ids=lambda labels: next(iter(labels)))
def test_what_has_no_effect_in_traefik_1_has_none_here(labels: dict[str, str]) -> None:
    found = decoded(labels)
    assert made(found) == []
    (service,) = found.services
    assert service == Service(service.name, service.servers)
    assert {item.severity for item in found.diagnostics} <= {Severity.WARNING}


def test_an_error_in_a_backend_of_two_frontends_is_reported_once() -> None:
    frontend = {"backend": "b", "routes": {"r": {"rule": "Host:a.test"}}}
    backend = {"servers": {"s": {"url": "http://10.0.0.1"}}, "maxConn": {"amount": "many"}}
    found = decode_file(
        {"backends": {"b": backend}, "frontends": {"F": frontend, "G": frontend}}, "file", "f"
    )
    told = [item for item in found.diagnostics if "amount" in item.message]
    assert len(told) == 1
    assert len(found.routers) == 2
