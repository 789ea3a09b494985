"""Traefik 3 and Rondpoint match alike: every rule of Traefik 3's reference, and attempts to bypass rules.

Both read the same route file and get the same bytes. The status, the router of the request and the resource
that its server gets must be equal. DIFFERENCES lists intended differences. They are tested, too: a listed
difference that no longer exists is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from rondpoint.rules.request_normalisation import normalise_path, parse_query
from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin, http_response
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system import generated_rules, paths_of_traefik, rules_of_traefik
from tests.system.paths_of_traefik import MIDDLEWARES
from tests.system.rules_of_traefik import SampleRequest

ROWS = rules_of_traefik.ROWS | paths_of_traefik.PATHS | generated_rules.rows(40, 12)
DIFFERENCES = rules_of_traefik.DIFFERENCES | paths_of_traefik.DIFFERENCES


def request_key(sample: str | SampleRequest) -> str:
    return sample if isinstance(sample, str) else sample.line or sample.raw


def _may_be_a_url(line: str) -> bool:
    """Return whether a browser could send this request."""
    host, slash, _ = line.rpartition(" ")[2].partition("/")
    is_unusual = line.startswith((" ", "get ")) or any(mark in line for mark in ("\r", "#", ":99999"))
    return bool(host and slash) and line.isascii() and not is_unusual


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def origins() -> Iterator[dict[str, Origin]]:
    """Origins by the names of routers; each responds with its router's name."""
    with ExitStack() as stack:
        names = [f"{name}{suffix}" for name, (routers, _) in ROWS.items() for suffix in routers]
        yield {name: stack.enter_context(Origin(http_response(name.encode()))) for name in [*names, "ready"]}


@pytest.fixture(scope="module")
def routes(origins: dict[str, Origin], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The route file of both proxies; it also has the router `ready`."""
    routers: dict[str, Any] = {"ready": {"rule": "Host(`ready`)", "service": "ready"}}
    for name, (each, _) in ROWS.items():
        for suffix, options in each.items():
            rule = options["rule"].replace("{n}", name).replace("{N}", name.upper())
            used = [each.replace("{n}", name) for each in options.get("middlewares", ())]
            own = {"rule": rule, "service": f"{name}{suffix}", **({"middlewares": used} if used else {})}
            routers[f"{name}{suffix}"] = {**options, **own}
    services = {
        name: {"loadBalancer": {"servers": [{"url": origin.url}]}} for name, origin in origins.items()
    }
    path = tmp_path_factory.mktemp("routes") / "routes.yml"
    tree = {"http": {"routers": routers, "services": services, "middlewares": MIDDLEWARES}}
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def ours(routes: Path, running: Processes) -> Installation:
    installation = start(
        running, f"--providers.file.filename={routes}", "--workers=1", directory=routes.parent
    )
    installation.wait_for("ready")
    return installation


@pytest.fixture(scope="module")
def theirs(routes: Path, running: Processes) -> Installation:
    installation = start_traefik(running, f"--providers.file.filename={routes}")
    until(lambda: installation.request("ready").status == 200, "Traefik's routes")
    return installation


def outcome(proxy: Installation, head: bytes, origins: dict[str, Origin]) -> tuple[object, ...]:
    """Return the status and, if a router matched, its name and the normalised resource."""
    received = http.raw(proxy.web, head)
    response = http.parse(received, head.partition(b" ")[0].decode())
    origin = origins.get(response.text)
    if response.status != 200 or origin is None:
        return (response.status,)
    target = origin.requests[-1].target.encode("latin-1")
    return response.status, response.text, normalise_path(target), parse_query(target)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_router_matches_the_same_requests(
    name: str, ours: Installation, theirs: Installation, origins: dict[str, Origin]
) -> None:
    _, samples = ROWS[name]
    differ = {}
    for each in samples:
        head = (SampleRequest(each) if isinstance(each, str) else each).head(name)
        mine, other = outcome(ours, head, origins), outcome(theirs, head, origins)
        if (mine != other) != ((name, request_key(each)) in DIFFERENCES):
            differ[request_key(each)] = (mine, other)
    assert differ == {}


def test_differences_have_a_request() -> None:
    requests = {(name, request_key(each)) for name, (_, lines) in ROWS.items() for each in lines}
    assert set(DIFFERENCES) <= requests


EXPLAINED = [
    (name, each)
    for name, (_, samples) in ROWS.items()
    for each in samples
    if _may_be_a_url(request_key(each))
]


@pytest.mark.parametrize(("name", "sample"), EXPLAINED)
def test_the_explanation_agrees_with_the_response(
    name: str, sample: str | SampleRequest, ours: Installation, origins: dict[str, Origin]
) -> None:
    each = SampleRequest(sample) if isinstance(sample, str) else sample
    method, _, rest = each.line.replace("{n}", name).replace("{N}", name.upper()).rpartition(" ")
    parameters = [("url", f"http://{rest}"), ("method", method or "GET"), ("client", "127.0.0.1")]
    parameters += [("header", line) for line in each.headers]
    query = urlencode([*parameters, ("entryPoint", "web")], encoding="latin-1")
    response = http.request(ours.admin, "localhost", f"/api/explain?{query}")
    actual = outcome(ours, each.head(name), origins)
    if actual == (400,):
        assert response.status == 400
        return
    explanation = json.loads(response.body)
    assert explanation["status"] == (0 if len(actual) > 1 else 404), explanation
    assert explanation["router"] == (f"{actual[1]}@file" if len(actual) > 1 else ""), explanation
