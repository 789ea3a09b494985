"""docs/migration.md lists what is not served, neither more nor less than the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from discovery.dynamic import decode
from discovery.merging.merge import merge
from discovery.merging.union import unite
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS
from tests.system.labels_of_traefik import DEPARTURES, STANDS, UNGUARDED

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
WHOLE = PAGE.read_text()
UNSERVED_PART = WHOLE.partition("\n## What is not served\n")[2].partition("\n## ")[0]

ROUTER = "http: {{routers: {{r: {{rule: Host(`a.test`), service: s, {}}}}}}}"
BALANCER = "http: {{services: {{s: {{loadBalancer: {{servers: [{{url: 'http://a', {}}}], {}}}}}}}}}"

OPTIONS = {
    "tcp": "tcp: {routers: {r: {rule: HostSNI(`*`), service: s}}}",
    "udp": "udp: {services: {s: {loadBalancer: {servers: [{address: 'a:1'}]}}}}",
    "tls": "tls: {certificates: [{certFile: a, keyFile: b}]}",
    "mirroring": "http: {services: {s: {mirroring: {service: t, mirrors: [{name: t, percent: 5}]}}}}",
    "failover.errors": "http: {services: {s: {failover: {service: t, fallback: u, errors: {}}}}}",
    "tls.options": ROUTER.format("tls: {options: modern}"),
    "tls.certResolver": ROUTER.format("tls: {certResolver: le}"),
    "tls.domains": ROUTER.format("tls: {domains: [{main: a.test}]}"),
    "parentRefs": ROUTER.format("parentRefs: [other]"),
    "passiveHealthCheck": BALANCER.format("", "passiveHealthCheck: {maxFailedAttempts: 3}"),
    "healthCheck.mode": BALANCER.format("", "healthCheck: {path: /, mode: grpc}"),
    "preservePath": BALANCER.format("preservePath: true", ""),
    "serversTransport": BALANCER.format("", "serversTransport: t"),
    "serversTransports": "http: {serversTransports: {t: {insecureSkipVerify: true}}}",
}
"""A file for each option that the page lists."""


def row(head: str) -> set[str]:
    """What the second column of the row with this head names."""
    found = re.search(rf"^\| {head} \| (.*?) \|", UNSERVED_PART, re.MULTILINE)
    assert found, head
    return set(re.findall(r"`(.*?)`", found[1]))


def test_middlewares_that_are_not_served_are_listed() -> None:
    assert row("middlewares") == set(SCHEMAS) - SERVED_KINDS


def test_sources_that_are_not_served_are_listed() -> None:
    known = {key.removeprefix("providers.").lower() for key, entry in UNSERVED_OPTIONS.items() if entry.is_provider}
    assert {name.lower() for name in row("sources")} == known


def test_options_that_are_listed_are_those_tried_here() -> None:
    assert set(re.findall(r"^\| `([\w.]+)` \|", UNSERVED_PART, re.MULTILINE)) == set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_options_that_are_listed_are_told_of(option: str) -> None:
    decoded = decode(yaml.safe_load(OPTIONS[option]), "file", "a.yml")
    last = re.escape(option.rpartition(".")[2])
    told = [each.message for each in decoded.diagnostics]
    assert any(re.search(rf"\b{last}\b.* is not served yet", message) for message in told), told


def test_servers_with_h2c_are_told_of() -> None:
    assert "h2c" in row("protocols")
    text = "http: {routers: {r: {rule: Host(`a.test`), service: s}},"
    text += " services: {s: {loadBalancer: {servers: [{url: 'h2c://a'}]}}}}"
    whole = merge({"file": unite([decode(yaml.safe_load(text), "file", "a.yml")], "file")}, {"web"})
    assert any("h2c is not served yet" in each.message for each in whole.diagnostics)


@pytest.mark.parametrize(
    "key", ["certificatesResolvers", "acme", "entryPoints.*.http.tls", "entryPoints.*.auth"]
)
def test_settings_that_are_named_are_not_served(key: str) -> None:
    assert UNSERVED_OPTIONS[key].reason == "is not served yet"


TOLD = {
    STANDS: "For an unknown label there is a diagnostic, and the rest of the container stays",
    UNGUARDED: "A router whose middleware is not available responds with 503",
    "the default is taken, and the label reported": "For an invalid value, the default applies",
    "the target reaches the server as it was sent": "Servers get the target as it was sent",
    "what remains reaches the server as it was sent": "Servers get the target as it was sent",
    "servers' transports are not followed yet": "| `serversTransport` | no effect",
    "containers that say the same share a service": "Containers that define the same router",
    "an empty rule is a mistake": "An empty rule is a mistake",
    "lists may be numbered": "Lists may be numbered",
}
"""How the page tells the reasons of DEPARTURES that begin so."""


@pytest.mark.parametrize("reason", sorted(set(DEPARTURES.values())))
def test_departures_from_traefik_are_told(reason: str) -> None:
    (told,) = [words for begun, words in TOLD.items() if reason.startswith(begun)]
    assert told in " ".join(WHOLE.split())
