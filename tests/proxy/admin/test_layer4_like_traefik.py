"""Traefik 3 and Rondpoint with the same TCP and UDP routes: their APIs return the same fields and values.

Additional fields of Rondpoint are not compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.installation import Installation
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.layer4_scene import FILE, configuration
from tests.proxy.running import Proxy, running_proxy

POINTS = (("pg", ""), ("raw", "/tcp"), ("dns", "/udp"), ("time", "/UDP"), ("syslog", "/udp"))
"""The entry points of both, with the protocol in their address."""

LEFT_OUT = ("lost@file", "unguarded@file", "garbled@file")
"""Routers that are left out: Rondpoint shows only their provider and the error."""

REASONS = {"lost@file": "nowhere@file", "unguarded@file": "nowhere@file", "garbled@file": "Host"}


@pytest.fixture(scope="module")
def ours() -> Iterator[Proxy]:
    points = [f"--entryPoints.{name}.address=127.0.0.1:{free_port()}{rest}" for name, rest in POINTS]
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        with connect(store.url) as client:
            Publisher(client, Keys()).publish(configuration())
        with running_proxy(Path(name), store, *points) as proxy:
            until(lambda: api(proxy, "/api/tcp/routers"), "the routers in force")
            yield proxy


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    routes = tmp_path_factory.mktemp("routes") / "routes.yml"
    routes.write_text(FILE)
    web, admin = free_port(), free_port()
    processes = Processes()
    process = processes(
        "traefik",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        *(f"--entryPoints.{name}.address=127.0.0.1:{free_port()}{rest}" for name, rest in POINTS),
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        "--api.insecure",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=FATAL",
        f"--providers.file.filename={routes}",
    )
    process.wait_for_port(admin)
    found = Installation(process, web, admin, None)
    path = "/api/tcp/routers"
    until(lambda: b"@file" in http.request(admin, "localhost", path).body, "the routers of Traefik")
    yield found
    processes.stop()


def api(installation: Proxy | Installation, path: str) -> Any:
    response = http.request(installation.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)


def compare(mine: Any, other: Any, where: str) -> None:
    """Assert that `mine` has all fields and values of `other`."""
    if isinstance(other, dict):
        assert isinstance(mine, dict), where
        for name, value in other.items():
            assert name in mine, f"{where}.{name} is missing: {value!r}"
            compare(mine[name], value, f"{where}.{name}")
    elif isinstance(other, list):
        assert isinstance(mine, list), where
        assert len(mine) == len(other), where
        for number, (one, another) in enumerate(zip(mine, other, strict=True)):
            compare(one, another, f"{where}[{number}]")
    else:
        assert mine == other, where


def as_published(item: dict[str, Any]) -> dict[str, Any]:
    """Return Traefik's object with the differences that Rondpoint has from an agent's work.

    Names of services are qualified, entry points that do not exist are dropped, and routers that were left
    out use nothing.
    """
    changed = dict(item)
    if "@" not in changed.get("service", "@"):
        changed["service"] += "@file"
    if "error" in changed:
        changed["error"] = ["entry point 'other' does not exist"]
        changed["entryPoints"] = [name for name in changed["entryPoints"] if name != "other"]
    if "usedBy" in changed:
        changed["usedBy"] = [name for name in changed["usedBy"] if name not in LEFT_OUT]
    return changed


SERVED = (
    "/api/tcp/routers",
    "/api/tcp/services",
    "/api/tcp/middlewares",
    "/api/udp/routers",
    "/api/udp/services",
)


@pytest.mark.parametrize("path", SERVED)
def test_objects_are_described_alike(ours: Proxy, theirs: Installation, path: str) -> None:
    mine, other = ({each["name"]: each for each in api(found, path)} for found in (ours, theirs))
    assert list(mine) == list(other)
    for name in other.keys() - LEFT_OUT:
        expected = as_published(api(theirs, f"{path}/{name}"))
        # One server of ours is down.
        status = dict.fromkeys(expected.pop("serverStatus", {}), "UP")
        compare(api(ours, f"{path}/{name}"), expected, name)
        assert status.keys() <= mine[name].get("serverStatus", {}).keys()
        assert mine[name] == api(ours, f"{path}/{name}")


@pytest.mark.parametrize("path", ["/api/tcp/routers", "/api/udp/routers"])
def test_left_out_routers_are_disabled_with_the_reason(ours: Proxy, theirs: Installation, path: str) -> None:
    names = [each["name"] for each in api(theirs, path) if each["status"] == "disabled"]
    assert names
    for name in names:
        for found in (api(ours, f"{path}/{name}"), api(theirs, f"{path}/{name}")):
            assert (found["name"], found["provider"], found["status"]) == (name, "file", "disabled")
            assert REASONS[name] in found["error"][0]


def test_entry_points_are_described_alike(ours: Proxy, theirs: Installation) -> None:
    mine, other = (api(found, "/api/entrypoints") for found in (ours, theirs))
    assert [each["name"] for each in mine] == [each["name"] for each in other]
    for one, another in zip(mine, other, strict=True):
        assert one["address"].partition("/")[2] == another["address"].partition("/")[2]
        assert one["udp"] == another["udp"] == {"timeout": "3s"}
    assert {each["name"] for each in mine if each["protocol"] == "udp"} == {"dns", "time", "syslog"}


def test_servers_are_shown_with_their_states(ours: Proxy) -> None:
    found = api(ours, "/api/tcp/services/db@file")
    assert found["serverStatus"] == {"127.0.0.1:5432": "UP", "127.0.0.1:5433": "DOWN"}
    assert [each["state"] for each in found["servers"]] == ["up", "down"]
    assert api(ours, "/api/udp/services/dns@file")["serverStatus"] == {
        "127.0.0.1:53": "UP",
        "127.0.0.1:54": "DOWN",
    }


def test_the_overview_counts_alike(ours: Proxy, theirs: Installation) -> None:
    mine, other = api(ours, "/api/overview"), api(theirs, "/api/overview")
    assert other["tcp"]["routers"] == {"total": 8, "warnings": 1, "errors": 3}
    for protocol in ("tcp", "udp"):
        compare(mine[protocol], other[protocol], protocol)


def test_rawdata_holds_the_same_objects_by_the_same_names(ours: Proxy, theirs: Installation) -> None:
    mine, other = api(ours, "/api/rawdata"), api(theirs, "/api/rawdata")
    for member in ("tcpRouters", "tcpServices", "tcpMiddlewares", "udpRouters", "udpServices"):
        assert mine[member].keys() == other[member].keys()
        path = f"/api/{member[:3]}/{member[3:].lower()}"
        # The list shows an object exactly as its own path does.
        assert list(mine[member].values()) == api(ours, path)


@pytest.mark.parametrize(
    "path",
    [
        "/api/rawdata",
        "/api/tcp/services",
        "/api/tcp/services/moved@file",
        "/dashboard/?protocol=tcp&kind=service",
    ],
)
def test_keys_for_servers_are_not_shown(ours: Proxy, path: str) -> None:
    text = http.request(ours.admin, "localhost", path).text
    assert "moved@file" in text
    assert "PRIVATE KEY" not in text


@pytest.mark.parametrize(
    "query",
    [
        "sortBy=priority",
        "sortBy=priority&direction=desc",
        "sortBy=rule",
        "sortBy=name&direction=desc",
        "sortBy=service",
        "sortBy=nonsense",
        "search=DB",
        "search=alpn",
        "status=enabled",
        "status=Warning",
        "serviceName=db",
        "middlewareName=few@file",
        "search=b&status=enabled&serviceName=db",
    ],
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_routers_are_filtered_and_sorted_alike(
    ours: Proxy, theirs: Installation, protocol: str, query: str
) -> None:
    def names(found: Proxy | Installation) -> list[str]:
        every = api(found, f"/api/{protocol}/routers?{query}")
        return [each["name"] for each in every if each["name"] not in LEFT_OUT]

    assert names(ours) == names(theirs)


@pytest.mark.parametrize("path", [path for path in SERVED if "routers" not in path])
@pytest.mark.parametrize(
    "query",
    [
        "sortBy=type",
        "sortBy=servers",
        "sortBy=servers&direction=desc",
        "search=E",
        "status=enabled",
        "status=disabled",
    ],
)
def test_other_objects_are_filtered_and_sorted_alike(
    ours: Proxy, theirs: Installation, path: str, query: str
) -> None:
    mine, other = ([each["name"] for each in api(found, f"{path}?{query}")] for found in (ours, theirs))
    assert mine == other


@pytest.mark.parametrize(
    "path",
    [
        "/api/tcp/services?per_page=2",
        "/api/tcp/services?per_page=2&page=2",
        "/api/tcp/services?per_page=2&page=9",
        "/api/tcp/routers?page=0",
        "/api/udp/services?per_page=x",
        "/api/udp/middlewares",
        "/api/tcp/routers/none@file",
        "/api/tcp/services/none",
        "/api/tcp/middlewares/none",
        "/api/udp/routers/a%2Fb@file",
        "/api/udp/services/none",
        "/api/udp/middlewares/none",
    ],
)
def test_pages_and_refusals_are_alike(ours: Proxy, theirs: Installation, path: str) -> None:
    mine, other = (http.request(found.admin, "localhost", path) for found in (ours, theirs))
    assert mine.status == other.status
    assert mine.header("X-Next-Page") == other.header("X-Next-Page")
    if mine.status == 200:
        assert [each["name"] for each in json.loads(mine.body)] == [
            each["name"] for each in json.loads(other.body)
        ]
    elif other.text.startswith("{") and "invalid request" not in other.text:
        assert json.loads(mine.body) == json.loads(other.body)
