"""Every rule and modifier of Traefik 1.7's documentation, from a file to the server that is asked.

What must come of each is in `tests.system.rules_of_traefik_1`; there is no Traefik 1 here to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab.installation import Installation, start
from tests.lab.origin import Origin, answer
from tests.lab.processes import Processes
from tests.system.rules_of_traefik_1 import PREFIX, REPLACED, ROWS, TIES, ServerRequest, ClientRequest

SLASHES = {
    # Rule, path, whether it is served: as in Traefik 1 with `keepTrailingSlash`, which it advises. Without,
    # it sends clients from /a/ to /a, and takes /a for /a/.
    ("Path:/a/", "/a/"): True,
    ("Path:/a", "/a/"): False,
    ("Path:/a/", "/a"): False,
    ("Path:/a", "/a"): True,
}


def frontends() -> Iterator[tuple[str, list[str], int]]:
    for name, row in ROWS.items():
        yield name, [rule.replace("{n}", name) for rule in row.rules], row.priority
    for number, (rules, _, _) in enumerate(TIES):
        for place, (rule, priority) in enumerate(rules):
            yield f"tie{number}-{place}", [rule.replace("{n}", f"tie{number}")], priority
    for number, (rule, _) in enumerate(SLASHES):
        yield f"slash{number}", [f"Host:slash{number}.test;{rule}"], 0


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(answer(b"served")) as origin:
        yield origin


@pytest.fixture(scope="module")
def rondpoint(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """It reads all rows as frontends of one file; the backend of each is named in the Host that it gets."""
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


def got(running: Installation, origin: Origin, sent: ClientRequest, name: str) -> ServerRequest | None:
    method, _, rest = sent.line.replace("{n}", name).rpartition(" ")
    host, slash, target = rest.partition("/")
    headers = [(key, value.strip()) for key, _, value in (line.partition(":") for line in sent.headers)]
    response = running.request(host, slash + target, method=method or "GET", headers=headers)
    if response.status != 200:
        assert response.status == 404, response
        return None
    received = origin.requests[-1]
    told = {name: received.all(name) for name in (PREFIX, REPLACED)}
    assert all(len(values) < 2 for values in told.values()), told
    return ServerRequest(received.target, {name: values[0] for name, values in told.items() if values})


@pytest.mark.parametrize("name", ROWS)
def test_a_documented_rule_takes_the_requests_and_changes_them(
    name: str, rondpoint: Installation, origin: Origin
) -> None:
    different = {}
    for sent, wanted in ROWS[name].expected.items():
        found = got(rondpoint, origin, sent if isinstance(sent, ClientRequest) else ClientRequest(sent), name)
        if found != wanted:
            different[sent] = (found, wanted)
    assert different == {}


def test_no_row_is_told_to_be_wrong(rondpoint: Installation) -> None:
    assert rondpoint.api("/api/rawdata")["diagnostics"] == []


@pytest.mark.parametrize("number", range(len(TIES)))
def test_the_longer_rule_or_the_higher_priority_goes_first(number: int, rondpoint: Installation) -> None:
    _, path, first = TIES[number]
    query = f"/api/explain?url=http://tie{number}.test{path}&entryPoint=web"
    assert rondpoint.api(query)["router"] == f"tie{number}-{first}@file"
    assert rondpoint.request(f"tie{number}.test", path).status == 200


@pytest.mark.parametrize("number", range(len(SLASHES)))
def test_a_slash_at_the_end_counts(number: int, rondpoint: Installation) -> None:
    ((_, path), served) = list(SLASHES.items())[number]
    assert rondpoint.request(f"slash{number}.test", path).status == (200 if served else 404)
