"""Traefik 1's dynamic TOML."""

from __future__ import annotations

import tomllib

import pytest

from discovery.dynamic import decode
from rondpoint.model import Server
from rondpoint.rules.expression import And, Match

GOOD = """
[backends.B.servers.s2]
url = "http://10.0.0.2:8080"
weight = 3
[backends.B.servers.s1]
url = "http://10.0.0.1"
[frontends.F]
backend = "B"
passHostHeader = false
priority = 4
entryPoints = ["web"]
[frontends.F.routes.one]
rule = "Host:f.test"
[frontends.F.routes.two]
rule = "PathPrefix:/api"
"""


def test_frontends_are_routers_and_backends_services() -> None:
    decoded = decode(tomllib.loads(GOOD), "file", "traefik.toml")
    (router,), (service,) = decoded.routers, decoded.services
    assert (router.name, router.service, router.priority) == ("F@file", "B@file", 4)
    assert (router.entry_points, router.pass_host_header) == (("web",), False)
    assert service.servers == (
        Server("s1", "10.0.0.1", 80),
        Server("s2", "10.0.0.2", 8080, weight=3),
    )
    assert decoded.diagnostics == ()


def test_all_routes_of_a_frontend_must_hold() -> None:
    (router,) = decode(tomllib.loads(GOOD), "file", "f").routers
    assert router.rule.expression == And((Match("Host", ("f.test",)), Match("PathPrefix", ("/api",))))
    assert router.rule.text == "Host:f.test;PathPrefix:/api"


def test_the_default_priority_is_the_length_of_the_rules() -> None:
    (router,) = decode(tomllib.loads(GOOD.replace("priority = 4", "")), "file", "f").routers
    assert router.priority == len("Host:f.test") + len("PathPrefix:/api")


TOLD = [
    (
        "[frontends.F]",
        "[frontends.F.passTLSClientCert]\npem='maybe'\n[frontends.F]",
        True,
        'F.passTLSClientCert.pem="maybe" is not valid',
    ),
    ('backend = "B"', "", False, "frontends.F names no backend"),
    ('rule = "Host:f.test"', "", False, "frontends.F.routes.one has no rule"),
    ("Host:f.test", "Hots:f.test", False, "unknown matcher 'Hots'"),
    ('entryPoints = ["web"]', "entryPoints = 1", False, "frontends.F.entryPoints=1 is not valid"),
    ("weight = 3", 'weight = "x"', True, 'backends.B.servers.s2.weight="x" is not valid'),
    ('url = "http://10.0.0.2:8080"', "", True, "backends.B.servers.s2 has no url, so it is left out"),
    ('url = "http://10.0.0.2:8080"', 'url = ":"', True, 'backends.B.servers.s2.url=":" is not valid'),
    ("priority = 4", "pirority = 4", True, "frontends.F.pirority is unknown"),
    (
        "[frontends.F]",
        "[backends.B.healthCheck]\n[frontends.F]",
        True,
        "backends.B.healthCheck has no effect",
    ),
]


@pytest.mark.parametrize(("old", "new", "routed", "message"), TOLD)
def test_errors_are_reported_and_the_rest_is_decoded(old: str, new: str, routed: bool, message: str) -> None:
    decoded = decode(tomllib.loads(GOOD.replace(old, new)), "file", "traefik.toml")
    assert bool(decoded.routers) == routed
    assert decoded.services[0].servers[0].name == "s1"
    (found,) = decoded.diagnostics
    assert message in found.message


def test_one_file_may_hold_both_dialects() -> None:
    new = {"http": {"services": {"S": {"loadBalancer": {"servers": [{"url": "http://10.0.0.9"}]}}}}}
    decoded = decode({**tomllib.loads(GOOD), **new}, "file", "f")
    assert [service.name for service in decoded.services] == ["S@file", "B@file"]
