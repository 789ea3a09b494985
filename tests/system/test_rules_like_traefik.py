"""Every rule of Traefik 3's reference, and what an adversary would try: the same router answers.

Both read one file of routes. The same bytes are sent to both; the status, the router that took the request
and the resource that its server was asked for must be the same. Where Rondpoint departs on purpose,
DIFFERENCES says why; these are asked, too, lest a reason outlive its difference.
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
from tests.lab.origin import Origin, answer
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system import generated_rules, paths_of_traefik, rules_of_traefik
from tests.system.paths_of_traefik import MIDDLEWARES
from tests.system.rules_of_traefik import SampleRequest

ROWS = rules_of_traefik.ROWS | paths_of_traefik.PATHS | generated_rules.rows(40, 12)
DIFFERENCES = rules_of_traefik.DIFFERENCES | paths_of_traefik.DIFFERENCES


def key(asked: str | SampleRequest) -> str:
    return asked if isinstance(asked, str) else asked.line or asked.raw


def _may_be_a_url(line: str) -> bool:
    """Not bytes of any kind, and nothing that a browser would not send."""
    host, slash, _ = line.rpartition(" ")[2].partition("/")
    strange = line.startswith((" ", "get ")) or any(mark in line for mark in ("\r", "#", ":99999"))
    return bool(host and slash) and line.isascii() and not strange


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def origins() -> Iterator[dict[str, Origin]]:
    """By the names of routers: each answers with its router's name."""
    with ExitStack() as opened:
        names = [f"{name}{suffix}" for name, (routers, _) in ROWS.items() for suffix in routers]
        yield {name: opened.enter_context(Origin(answer(name.encode()))) for name in [*names, "ready"]}


@pytest.fixture(scope="module")
def routes(origins: dict[str, Origin], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that both read; `ready` is in it, too."""
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
    """The status, and where a router took the request, its name and the resource in its normal form."""
    received = http.raw(proxy.web, head)
    response = http.parse(received, head.partition(b" ")[0].decode())
    origin = origins.get(response.text)
    if response.status != 200 or origin is None:
        return (response.status,)
    target = origin.requests[-1].target.encode("latin-1")
    return response.status, response.text, normalise_path(target), parse_query(target)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_router_takes_the_same_requests(
    name: str, ours: Installation, theirs: Installation, origins: dict[str, Origin]
) -> None:
    _, asked = ROWS[name]
    differ = {}
    for each in asked:
        head = (SampleRequest(each) if isinstance(each, str) else each).head(name)
        mine, other = outcome(ours, head, origins), outcome(theirs, head, origins)
        if (mine != other) != ((name, key(each)) in DIFFERENCES):
            differ[key(each)] = (mine, other)
    assert differ == {}


def test_departures_are_asked() -> None:
    asked = {(name, key(each)) for name, (_, lines) in ROWS.items() for each in lines}
    assert set(DIFFERENCES) <= asked


EXPLAINED = [(name, each) for name, (_, asked) in ROWS.items() for each in asked if _may_be_a_url(key(each))]


@pytest.mark.parametrize(("name", "asked"), EXPLAINED)
def test_what_is_explained_is_what_happens(
    name: str, asked: str | SampleRequest, ours: Installation, origins: dict[str, Origin]
) -> None:
    each = SampleRequest(asked) if isinstance(asked, str) else asked
    method, _, rest = each.line.replace("{n}", name).replace("{N}", name.upper()).rpartition(" ")
    given = [("url", f"http://{rest}"), ("method", method or "GET"), ("client", "127.0.0.1")]
    given += [("header", line) for line in each.headers]
    question = urlencode([*given, ("entryPoint", "web")], encoding="latin-1")
    told = http.request(ours.admin, "localhost", f"/api/explain?{question}")
    happens = outcome(ours, each.head(name), origins)
    if happens == (400,):
        assert told.status == 400
        return
    way = json.loads(told.body)
    assert way["status"] == (0 if len(happens) > 1 else 404), way
    assert way["router"] == (f"{happens[1]}@file" if len(happens) > 1 else ""), way
