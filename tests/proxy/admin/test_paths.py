"""Where the API and the dashboard are: `api.basePath`, and other entry points as in Traefik 1."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator

import pytest

from rondpoint.internal_services import API, DASHBOARD
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.origin import Origin, Start, http_response
from tests.lab.processes import installed
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy

TOKEN = "c" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
HASH = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
USER = {"Authorization": "Basic " + base64.b64encode(b"test:test").decode()}


@pytest.fixture(scope="module")
def moved() -> Iterator[Proxy]:
    """A proxy with a base path, by Traefik 1's name."""
    with lone_proxy("--web.path=/lb/", f"--api.token={TOKEN}", "--metrics.prometheus") as proxy:
        proxy.services |= {name: Service(name) for name in (API, DASHBOARD)}
        for name, service in (("api", API), ("dashboard", DASHBOARD)):
            proxy.routers[name] = Router(name, v3.parse(f"Host(`{name}.test`)"), service, 10)
        proxy.publish()
        yield proxy


def fetch(port: int, path: str, host: str = "localhost", **options: object) -> http.Response:
    return http.request(port, host, path, headers=BEARER, **options)  # type: ignore[arg-type]


# Paths on the admin entry point.
MOVED = {
    "/lb/api/version": 200,
    "/lb/dashboard/": 200,
    "/lb/dashboard/static/dashboard.js": 200,
    "/lb/health": 200,
    "/lb/ping": 200,
    "/lb/metrics": 200,
    "/ping": 200,
    "/metrics": 200,
    "/": 404,
    "/api/version": 404,
    "/dashboard/": 404,
    "/lbs/api/version": 404,
    "/LB/api/version": 404,
    "/lb/lb/api/version": 404,
}


@pytest.mark.parametrize("path", MOVED)
def test_the_api_and_the_dashboard_are_below_the_base_path(moved: Proxy, path: str) -> None:
    assert fetch(moved.admin, path).status == MOVED[path]


def test_the_base_path_needs_a_token_too(moved: Proxy) -> None:
    for path in ("/lb/api/version", "/lb/health", "/lb/metrics"):
        assert http.request(moved.admin, "localhost", path).status == 401
    assert http.request(moved.admin, "localhost", "/lb/ping").status == 200


@pytest.mark.parametrize("path", ["/lb", "/lb/", "/lb/dashboard"])
def test_redirects_lead_to_the_base_path(moved: Proxy, path: str) -> None:
    found = fetch(moved.admin, path)
    assert found.status in (302, 308)
    location = found.header("location") or ""
    assert location.removeprefix("http://localhost") == "/lb/dashboard/"


def test_the_session_is_for_the_dashboard_below_the_base_path(moved: Proxy) -> None:
    found = http.request(
        moved.admin,
        "localhost",
        "/lb/dashboard/sign-in",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=f"token={TOKEN}".encode(),
    )
    assert (found.status, found.header("location")) == (303, "/lb/dashboard/")
    cookie = found.header("set-cookie") or ""
    assert "Path=/lb/dashboard/;" in cookie
    signed_in = {"Cookie": cookie.partition(";")[0]}
    page = http.request(moved.admin, "localhost", "/lb/dashboard/", headers=signed_in)
    assert (page.status, "Sign out" in page.text) == (200, True)


def test_routers_to_the_api_have_the_base_path_too(moved: Proxy) -> None:
    assert fetch(moved.web, "/lb/api/version", "api.test").status == 200
    assert fetch(moved.web, "/api/version", "api.test").status == 404
    assert fetch(moved.web, "/ping", "api.test").status == 404
    # A router that has removed all prefixes, as Traefik's own does, finds the dashboard at the root.
    for path in ("/lb/dashboard/", "/"):
        assert "<title>" in fetch(moved.web, path, "dashboard.test").text


def test_commands_know_the_base_path(moved: Proxy) -> None:
    flags = (
        f"--entryPoints.traefik.address=127.0.0.1:{moved.admin}",
        "--api.basePath=/lb",
        f"--api.token={TOKEN}",
    )
    run = [installed("rondpoint"), "routes", *flags]
    found = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "api.test" in found.stdout
    subprocess.run([installed("rondpoint"), "healthcheck", *flags], check=True, capture_output=True)


def test_the_name_of_the_dashboard_is_shown() -> None:
    with lone_proxy("--api.dashboardName=Pre-prod <1>") as proxy:
        assert json.loads(fetch(proxy.admin, "/api/version").body)["dashboardName"] == "Pre-prod <1>"
        page = fetch(proxy.admin, "/dashboard/").text
        assert "<title>Rondpoint [Pre-prod &lt;1&gt;]</title>" in page


def test_without_a_name_nothing_is_shown(moved: Proxy) -> None:
    assert "dashboardName" not in json.loads(fetch(moved.admin, "/lb/api/version").body)
    assert "<title>Rondpoint</title>" in fetch(moved.admin, "/lb/dashboard/").text


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Proxy, str]]:
    """A proxy whose API is on the entry point `web`, behind a password, and the host of a server there."""
    flags = (
        "--api.entryPoint=web",
        "--rest.entryPoint=web",
        f"--entryPoints.web.auth.basic.users=test:{HASH}",
    )
    with lone_proxy(*flags) as proxy, Origin(http_response(b"server")) as server:
        proxy.services["s"] = Service("s", (Server("one", "127.0.0.1", server.port),))
        proxy.routers["s"] = Router("s", v3.parse("Host(`s.test`)"), "s", 10)
        # The password also guards the marker, by which a publication is awaited otherwise.
        proxy.publish(wait=False)
        until(lambda: http.request(proxy.web, "s.test", "/x", headers=USER).text == "server", "the route")
        yield proxy, "s.test"


# Method and path on the entry point `web`, and whether the API of Traefik 1 has it.
SHARED = {
    ("GET", "/"): True,
    ("GET", "/api"): True,
    ("GET", "/api/providers"): True,
    ("HEAD", "/api/version"): True,
    ("GET", "/dashboard/"): True,
    ("GET", "/dashboard/static/dashboard.js"): True,
    ("PUT", "/api/providers/rest"): True,
    ("POST", "/"): False,
    ("POST", "/api"): False,
    ("GET", "/api/orders"): False,
    ("GET", "/apis"): False,
    ("GET", "/health"): False,
    ("GET", "/dashboards"): False,
    ("DELETE", "/api/providers/rest"): False,
}


@pytest.mark.parametrize(("method", "path"), SHARED)
def test_an_entry_point_of_the_api_serves_its_paths_before_routers(
    shared: tuple[Proxy, str], method: str, path: str
) -> None:
    proxy, host = shared
    found = http.request(proxy.web, host, path, method=method, headers=USER | JSON)
    assert (found.text == "server") is not SHARED[method, path]
    if method == "PUT":
        assert (found.status, "need a token" in found.text) == (403, True)
    elif SHARED[method, path]:
        assert found.status in (200, 302)


@pytest.mark.parametrize("path", ["/api", "/dashboard/", "/dashboard/%2e%2e/api/providers"])
def test_the_guards_of_the_entry_point_guard_the_api(shared: tuple[Proxy, str], path: str) -> None:
    proxy, host = shared
    assert http.request(proxy.web, host, path).status == 401
    assert http.request(proxy.web, "unknown.test", path).status == 401


def test_a_token_allows_to_replace_routes_there(origin: Start) -> None:
    with lone_proxy("--api.entryPoint=web", "--rest.entryPoint=web", f"--api.token={TOKEN}") as proxy:
        proxy.route(origin(http_response(b"server")))
        found = http.request(
            proxy.web, "any.test", "/api/providers/web", method="PUT", headers=BEARER | JSON, body=b"{}"
        )
        # There is no agent here, which would apply it.
        assert (found.status, "no agent accepts changes" in found.text) == (503, True)
        assert http.request(proxy.web, "any.test", "/api").status == 401
