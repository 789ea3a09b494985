"""docs/migration.md lists exactly the options that the code does not serve."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from discovery.dynamic import decode
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS
from tests.system.labels_of_traefik import DIFFERENCES, UNAVAILABLE_MIDDLEWARE, UNKNOWN_LABEL

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
TEXT = PAGE.read_text()
UNSERVED_SECTION = TEXT.partition("\n## What is not served\n")[2].partition("\n## ")[0]

ROUTER = "http: {{routers: {{r: {{rule: Host(`a.test`), service: s, {}}}}}}}"
BALANCER = "http: {{services: {{s: {{loadBalancer: {{servers: [{{url: 'http://a', {}}}], {}}}}}}}}}"
TRANSPORT = "http: {{serversTransports: {{t: {{{}}}}}}}"

OPTIONS = {
    "preservePath": BALANCER.format("preservePath: true", ""),
    "serversTransports.cipherSuites": TRANSPORT.format("cipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
    "serversTransports.peerCertSANs": TRANSPORT.format("peerCertSANs: [{type: DNS, value: a.test}]"),
    "serversTransports.spiffe": TRANSPORT.format("spiffe: {ids: ['spiffe://a/b']}"),
}
"""An example file for each option that the page lists."""


def names_in_row(head: str) -> set[str]:
    """Return the names in the second column of the row with this head."""
    found = re.search(rf"^\| {head} \| (.*?) \|", UNSERVED_SECTION, re.MULTILINE)
    assert found, head
    return set(re.findall(r"`(.*?)`", found[1]))


def test_unserved_sources_are_listed() -> None:
    known = {
        key.removeprefix("providers.").lower() for key, entry in UNSERVED_OPTIONS.items() if entry.is_provider
    }
    listed = names_in_row("sources") | names_in_row("sources that Traefik 3 does not have either")
    assert {name.lower() for name in listed} == known


def test_listed_options_have_an_example_here() -> None:
    assert set(re.findall(r"^\| `([\w.]+)` \|", UNSERVED_SECTION, re.MULTILINE)) == set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_listed_options_are_reported(option: str) -> None:
    decoded = decode(yaml.safe_load(OPTIONS[option]), "file", "a.yml")
    last = re.escape(option.rpartition(".")[2])
    messages = [each.message for each in decoded.diagnostics]
    assert any(re.search(rf"\b{last}\b.* is not served yet", message) for message in messages), messages


@pytest.mark.parametrize(
    "key",
    ["entryPoints.*.clientIPStrategy"],
)
def test_named_settings_are_not_served(key: str) -> None:
    assert UNSERVED_OPTIONS[key].reason == "is not served yet"


DOCUMENTED = {
    UNKNOWN_LABEL: "For an unknown label there is a diagnostic, and the rest of the container stays",
    UNAVAILABLE_MIDDLEWARE: "A router whose middleware is not available responds with 503",
    "the default applies, and the label is reported": "For an invalid value, the default applies",
    "the server gets escapes as they were sent": "Servers get the escapes in a path as they were sent",
    "a service whose serversTransport does not exist": "A service whose `serversTransport` does not exist",
    "containers that define the same router share a service": "Containers that define the same router",
    "an empty rule is an error": "An empty rule is a mistake",
    "lists may be numbered": "Lists may be numbered",
}
"""The page's words for the reasons of DIFFERENCES, by their beginning."""


@pytest.mark.parametrize("reason", sorted(set(DIFFERENCES.values())))
def test_differences_to_traefik_are_documented(reason: str) -> None:
    (words,) = [words for beginning, words in DOCUMENTED.items() if reason.startswith(beginning)]
    assert words in " ".join(TEXT.split())
