"""Every rule and modifier of Traefik 1.7's documentation, from a route file to the server's request.

`tests.system.rules_of_traefik_1` has the expected results; there is no Traefik 1 here to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab.installation import Installation, start
from tests.lab.origin import Origin, http_response
from tests.lab.processes import Processes
from tests.system.rules_of_traefik_1 import PREFIX, REPLACED, ROWS, TIES, ClientRequest, ServerRequest

SLASHES = {
    # Rule, path, whether it matches: as in Traefik 1 with `keepTrailingSlash`, which its documentation
    # recommends. Without it, Traefik 1 redirects /a/ to /a, and treats /a as /a/.
    ("Path:/a/", "/a/"): True,
    ("Path:/a", "/a/"): False,
    ("Path:/a/", "/a"): False,
    ("Path:/a", "/a"): True,
}


def frontends() -> Iterator[tuple[str, list[str], int]]:
    for name, row in ROWS.items():
        yield name, [rule.replace("{n}", name) for rule in row.rules], row.priority
    for number, (rules, _, _) in enumerate(TIES):
        for position, (rule, priority) in enumerate(rules):
            yield f"tie{number}-{position}", [rule.replace("{n}", f"tie{number}")], priority
    for number, (rule, _) in enumerate(SLASHES):
        yield f"slash{number}", [f"Host:slash{number}.test;{rule}"], 0


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(http_response(b"served")) as origin:
        yield origin


@pytest.fixture(scope="module")
def rondpoint(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with all rows as frontends of one route file."""
    tree: dict[str, Any] = {"frontends": {}, "backends": {}}
    for name, rules, priority in frontends():
        routes = {f"route{number}": {"rule": rule} for number, rule in enumerate(rules)}
        tree["frontends"][name] = {"backend": name, "routes": routes, "priority": priority}
        tree["backends"][name] = {"servers": {name: {"url": origin.url}}}
    directory = tmp_path_factory.mktemp("routes")
    (directory / "routes.yml").write_text(yaml.safe_dump(tree))
    started = Processes()
    running = start(
        started, f"--providers.file.filename={directory / 'routes.yml'}", "--workers=1", directory=directory
    )
    try:
        running.wait_for("host.test")
        yield running
    finally:
        started.stop()


def server_request(
    running: Installation, origin: Origin, sent: ClientRequest, name: str
) -> ServerRequest | None:
    method, _, rest = sent.line.replace("{n}", name).rpartition(" ")
    host, slash, target = rest.partition("/")
    headers = [(key, value.strip()) for key, _, value in (line.partition(":") for line in sent.headers)]
    response = running.request(host, slash + target, method=method or "GET", headers=headers)
    if response.status != 200:
        assert response.status == 404, response
        return None
    received = origin.requests[-1]
    headers_found = {name: received.all(name) for name in (PREFIX, REPLACED)}
    assert all(len(values) < 2 for values in headers_found.values()), headers_found
    return ServerRequest(
        received.target, {name: values[0] for name, values in headers_found.items() if values}
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_documented_rule_matches_its_requests_and_changes_them(
    name: str, rondpoint: Installation, origin: Origin
) -> None:
    different = {}
    for sent, expected in ROWS[name].expected.items():
        found = server_request(
            rondpoint, origin, sent if isinstance(sent, ClientRequest) else ClientRequest(sent), name
        )
        if found != expected:
            different[sent] = (found, expected)
    assert different == {}


def test_no_row_has_a_diagnostic(rondpoint: Installation) -> None:
    assert rondpoint.api("/api/rawdata")["diagnostics"] == []


@pytest.mark.parametrize("number", range(len(TIES)))
def test_the_longer_rule_or_the_higher_priority_matches_first(number: int, rondpoint: Installation) -> None:
    _, path, first = TIES[number]
    query = f"/api/explain?url=http://tie{number}.test{path}&entryPoint=web"
    assert rondpoint.api(query)["router"] == f"tie{number}-{first}@file"
    assert rondpoint.request(f"tie{number}.test", path).status == 200


@pytest.mark.parametrize("number", range(len(SLASHES)))
def test_a_trailing_slash_is_significant(number: int, rondpoint: Installation) -> None:
    ((_, path), served) = list(SLASHES.items())[number]
    assert rondpoint.request(f"slash{number}.test", path).status == (200 if served else 404)
