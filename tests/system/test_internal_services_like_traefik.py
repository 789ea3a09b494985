"""Traefik 3 and Rondpoint serve their own services, such as `api@internal`, behind the same routers alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from rondpoint.internal_services import INTERNAL_SERVICES
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik

USERS = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SIGNED = (("Authorization", "Basic dGVzdDp0ZXN0"),)

ROUTERS: dict[str, dict[str, Any]] = {
    **{
        name.partition("@")[0]: {"rule": f"Host(`{name.partition('@')[0]}.test`)", "service": name}
        for name in INTERNAL_SERVICES
    },
    "guarded": {"rule": "Host(`guarded.test`)", "service": "api@internal", "middlewares": ["users"]},
    # As the compose files of many tutorials have it.
    "split": {
        "rule": "Host(`split.test`) && (PathPrefix(`/api`) || PathPrefix(`/dashboard`))",
        "service": "api@internal",
    },
    "moved": {"rule": "Host(`moved.test`)", "service": "noop@internal", "middlewares": ["secure"]},
    "below": {
        "rule": "Host(`below.test`) && PathPrefix(`/own`)",
        "service": "ping@internal",
        "middlewares": ["strip"],
    },
    "stripped": {
        "rule": "Host(`stripped.test`) && PathPrefix(`/dashboard`)",
        "service": "dashboard@internal",
        "middlewares": ["strip"],
    },
    "unknown": {"rule": "Host(`unknown.test`)", "service": "other@internal"},
}
MIDDLEWARES = {
    "users": {"basicAuth": {"users": [USERS]}},
    "secure": {"redirectScheme": {"scheme": "https"}},
    "strip": {"stripPrefix": {"prefixes": ["/own", "/dashboard"]}},
}
FLAGS = ("--api", "--ping", "--metrics.prometheus", "--providers.rest")

UNSTRIPPED = "the dashboard is at /dashboard/, too, where its links lead to"
READ_ONLY = "routers give nobody the right to change anything: Rondpoint also needs a token or a password"


class Sample(NamedTuple):
    """A request; Rondpoint departs from Traefik for the reason `departure`, if there is one."""

    host: str
    path: str = "/"
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    departure: str = ""


REQUESTS = [
    *(Sample("api.test", path) for path in ("/", "/dashboard/", "/api/overview", "/api/nothing", "/other")),
    *(Sample("api.test", path) for path in ("/ping", "/metrics", "/api/http/routers/api@file")),
    Sample("api.test", "/dashboard/nothing"),
    Sample("dashboard.test"),
    Sample("dashboard.test", "/nothing"),
    Sample("dashboard.test", "/dashboard/", departure=UNSTRIPPED),
    Sample("stripped.test", "/dashboard/"),
    *(Sample("ping.test", path) for path in ("/", "/ping", "/any")),
    Sample("below.test", "/own/ping"),
    *(Sample("prometheus.test", path) for path in ("/", "/metrics")),
    *(Sample("noop.test", path) for path in ("/", "/any")),
    Sample("moved.test", "/any"),
    Sample("unknown.test"),
    Sample("rest.test", "/api/providers/rest"),
    Sample("rest.test", "/api/providers/rest", "PUT", departure=READ_ONLY),
    Sample("guarded.test", "/api/version"),
    Sample("guarded.test", "/api/version", headers=SIGNED),
    *(Sample("split.test", path) for path in ("/", "/dashboard/", "/api/version")),
]


MOVED = [
    *(Sample("api.test", path) for path in ("/lb", "/lb/api/overview", "/lb/api/nothing", "/lb/dashboard/")),
    *(Sample("api.test", path) for path in ("/", "/api/overview", "/dashboard/", "/lbs/api/overview", "/LB")),
    *(Sample("api.test", path) for path in ("/lb/dashboard/nothing", "/lb/ping", "/lb/metrics", "/other")),
    Sample("api.test", "/lb/", departure="with and without a slash, the path leads to the dashboard"),
    Sample("dashboard.test"),
    Sample("rest.test", "/api/providers/rest"),
    Sample("rest.test", "/lb/api/providers/rest", "PUT"),
    *(Sample("ping.test", path) for path in ("/", "/lb/ping")),
]
"""Requests with `api.basePath=/lb`."""


@contextmanager
def running(*more: str) -> Iterator[tuple[Installation, Installation]]:
    """Run Rondpoint and Traefik, with all their services on."""
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        routes = Path(name) / "routes.yml"
        routes.write_text(yaml.safe_dump({"http": {"routers": ROUTERS, "middlewares": MIDDLEWARES}}))
        processes = Processes()
        stack.callback(processes.stop)
        flags = (*FLAGS, *more, f"--providers.file.filename={routes}", "--entryPoints.web.asDefault=true")
        ours = start(processes, "--workers=1", *flags)
        theirs = start_traefik(processes, "--entryPoints.traefik.address=127.0.0.1:0", *flags)
        for each in (ours, theirs):
            each.wait_for("ping.test")
        yield ours, theirs


@pytest.fixture(scope="module")
def proxies() -> Iterator[tuple[Installation, Installation]]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def moved() -> Iterator[tuple[Installation, Installation]]:
    with running("--api.basePath=/lb") as started:
        yield started


def named(sample: Sample) -> str:
    return f"{sample.method}-{sample.host}{sample.path}-{len(sample.headers)}"


@pytest.mark.parametrize("sample", REQUESTS, ids=named)
def test_the_status_the_target_and_the_type_of_the_response_are_those_of_traefik(
    sample: Sample, proxies: tuple[Installation, Installation]
) -> None:
    compare(sample, proxies)


@pytest.mark.parametrize("sample", MOVED, ids=named)
def test_a_base_path_moves_the_api_and_the_dashboard_as_in_traefik(
    sample: Sample, moved: tuple[Installation, Installation]
) -> None:
    compare(sample, moved)


def compare(sample: Sample, proxies: tuple[Installation, Installation]) -> None:
    mine, other = (
        each.request(
            sample.host,
            sample.path,
            method=sample.method,
            headers=dict(sample.headers),
            body=b"{}" if sample.method == "PUT" else b"",
        )
        for each in proxies
    )
    found = [(each.status, each.header("location")) for each in (mine, other)]
    assert (found[0] == found[1]) == (not sample.departure), found
    if mine.status == other.status == 200 and (expected := other.header("content-type")):
        assert str(mine.header("content-type")).partition(";")[0] == expected.partition(";")[0]


def test_the_api_behind_a_router_lists_that_router(proxies: tuple[Installation, Installation]) -> None:
    for each in proxies:
        found = json.loads(each.request("api.test", "/api/http/routers/guarded@file").body)
        assert (found["service"], found["status"]) == ("api@internal", "enabled")
