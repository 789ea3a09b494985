"""Rondpoint's own services, such as `api@internal`, behind routers of web entry points."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from rondpoint.internal_services import API, DASHBOARD, INTERNAL_SERVICES, NOOP, PING, PROMETHEUS, REST
from rondpoint.model import Middleware, Router, Service
from rondpoint.rules import v3
from tests.lab import http
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.test_explaining import command
from tests.proxy.wire.client import Client

TOKEN = "c" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
USER = {"Authorization": "Basic " + base64.b64encode(b"test:test").decode()}
USERS = Middleware("users", "basicAuth", {"users": ["test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]})
ROUTER = b'{"rule": "Host(`shop.test`)", "service": "shop"}'

_numbers = count(1)


@contextmanager
def serving(*flags: str) -> Iterator[Proxy]:
    with lone_proxy(*flags) as proxy:
        proxy.services |= {name: Service(name) for name in INTERNAL_SERVICES}
        yield proxy


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A proxy with all of its own services on, whose API has no password."""
    with serving("--api", "--ping", "--metrics.prometheus.addRoutersLabels") as started:
        yield started


@pytest.fixture(scope="module")
def guarded() -> Iterator[Proxy]:
    """A proxy whose API needs a token."""
    with serving(f"--api.token={TOKEN}") as started:
        yield started


@pytest.fixture(scope="module")
def bare() -> Iterator[Proxy]:
    """A proxy without any of the settings that switch its own services on."""
    with serving() as started:
        yield started


def route(proxy: Proxy, service: str, *middlewares: Middleware) -> str:
    """Return a host whose requests go through these middlewares to this service."""
    name = f"internal{next(_numbers)}"
    proxy.middlewares |= {each.name: each for each in middlewares}
    names = tuple(each.name for each in middlewares)
    proxy.routers[name] = Router(name, v3.parse(f"Host(`{name}.test`)"), service, 10, middlewares=names)
    proxy.publish()
    return f"{name}.test"


def test_the_api_and_the_dashboard_are_served_on_the_host_of_a_router(proxy: Proxy) -> None:
    host = route(proxy, API)
    overview = http.request(proxy.web, host, "/api/overview")
    assert (overview.status, overview.header("content-type")) == (200, "application/json")
    assert "http" in json.loads(overview.body)
    assert "<title>" in http.request(proxy.web, host, "/dashboard/").text
    moved = http.request(proxy.web, host, "/")
    assert (moved.status, moved.header("location")) == (302, "/dashboard/")


@pytest.mark.parametrize("path", ["/ping", "/metrics", "/health", "/apis", "/other"])
def test_it_has_no_other_paths(proxy: Proxy, path: str) -> None:
    assert proxy.status(route(proxy, API), path) == 404


def test_middlewares_of_the_router_guard_it(proxy: Proxy) -> None:
    host = route(proxy, API, USERS)
    assert proxy.status(host, "/api/overview") == 401
    assert http.request(proxy.web, host, "/api/overview", headers=USER).status == 200


def test_without_a_token_nobody_changes_anything_through_it(proxy: Proxy) -> None:
    host = route(proxy, API, USERS)
    refused = http.request(
        proxy.web, host, "/api/http/routers/shop", method="PUT", headers=USER | JSON, body=ROUTER
    )
    assert refused.status == 403
    assert "changes need a token or a password" in refused.text


def test_with_a_token_reading_and_changing_need_it(guarded: Proxy) -> None:
    host = route(guarded, API)
    path = "/api/http/routers/shop"
    assert guarded.status(host, "/api/overview") == 401
    assert http.request(guarded.web, host, "/api/overview", headers=BEARER).status == 200
    assert http.request(guarded.web, host, path, method="PUT", headers=JSON, body=ROUTER).status == 401
    allowed = http.request(guarded.web, host, path, method="PUT", headers=BEARER | JSON, body=ROUTER)
    # There is no agent here, which would apply it.
    assert (allowed.status, "no agent accepts changes" in allowed.text) == (503, True)


def test_it_takes_content_in_chunks_and_leaves_the_connection_usable(guarded: Proxy) -> None:
    host = route(guarded, API)
    form = b"token=" + TOKEN.encode()
    sign_in = (
        f"POST /dashboard/sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    with Client(guarded.web) as client:
        client.send(sign_in.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(form), form))
        signed_in = client.answer()
        assert (signed_in.status, signed_in.header("location")) == (303, "/dashboard/")
        cookie = str(signed_in.header("set-cookie")).partition(";")[0]
        client.send(f"GET /dashboard/ HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
        assert client.answer().status == 200


def test_the_response_to_head_has_the_length_of_the_content(proxy: Proxy) -> None:
    host = route(proxy, API)
    whole = http.request(proxy.web, host, "/api/version")
    head = http.request(proxy.web, host, "/api/version", method="HEAD")
    assert (head.status, head.header("content-length"), head.body) == (200, str(len(whole.body)), b"")


def test_a_fresh_copy_is_not_sent_again(proxy: Proxy) -> None:
    host = route(proxy, API)
    path = "/dashboard/static/dashboard.css"
    tag = http.request(proxy.web, host, path).header("etag")
    assert tag is not None
    with Client(proxy.web) as client:
        for _ in range(2):
            # What follows the head of a 304 would be taken for the next response.
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nIf-None-Match: {tag}\r\n\r\n".encode())
            fresh = client.answer()
            framing = (fresh.header("content-length"), fresh.header("transfer-encoding"))
            assert (fresh.status, framing, fresh.body) == (304, (None, None), b"")


@pytest.mark.parametrize("path", ["/api/http%2frouters", "/api%2Fversion", "/dashboard/static%2f"])
def test_an_encoded_slash_evades_no_rule_for_a_path(proxy: Proxy, path: str) -> None:
    assert proxy.status(route(proxy, API), path) == 404


def test_a_host_that_is_no_name_gets_a_400(proxy: Proxy) -> None:
    proxy.routers["any"] = Router("any", v3.parse("PathPrefix(`/api/`)"), API, 1)
    proxy.publish()
    assert proxy.status("a..b", "/api/version") == 400


def test_events_of_the_dashboard_arrive_one_by_one(proxy: Proxy) -> None:
    host = route(proxy, API)
    with Client(proxy.web) as client:
        client.send(f"GET /dashboard/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received = b""
        while received.count(b"\ndata:") < 2:
            received += client.socket.recv(65536)
    assert b"text/event-stream" in received


def test_http2_clients_get_the_same(proxy: Proxy) -> None:
    host = route(proxy, API)
    found = subprocess.run(
        [
            *("curl", "--silent", "--http2-prior-knowledge", "--header", f"Host: {host}"),
            *("--write-out", "\n%{http_version} %{http_code}"),
            f"http://127.0.0.1:{proxy.web}/api/version",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    content, _, outcome = found.stdout.rpartition("\n")
    assert outcome == "2 200"
    assert "Version" in json.loads(content)


PARTS = {
    "dashboard": (DASHBOARD, "/dashboard/", 200),
    "dashboard at the root": (DASHBOARD, "/", 200),
    "style of the dashboard at the root": (DASHBOARD, "/static/dashboard.css", 200),
    "dashboard without the API": (DASHBOARD, "/api/overview", 404),
    "rest without the API": (REST, "/api/overview", 404),
    "rest without reading": (REST, "/api/providers/rest", 405),
    "ping": (PING, "/anything", 200),
    "prometheus": (PROMETHEUS, "/anything", 200),
    "noop": (NOOP, "/", 418),
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_have_services_of_their_own(proxy: Proxy, part: str) -> None:
    service, path, status = PARTS[part]
    assert proxy.status(route(proxy, service), path) == status


def test_the_routes_of_the_rest_provider_have_a_service_of_their_own(proxy: Proxy) -> None:
    host, path = route(proxy, REST), "/api/providers/rest"
    refused = http.request(proxy.web, host, path, method="PUT", headers=JSON, body=b"{}")
    assert (refused.status, "changes need a token or a password" in refused.text) == (403, True)


def test_metrics_are_those_of_the_proxy(proxy: Proxy) -> None:
    assert "traefik_config_reloads_total" in proxy.get(route(proxy, PROMETHEUS), "/metrics")


@pytest.mark.parametrize(
    ("service", "setting"),
    [
        (API, "api"),
        (DASHBOARD, "api"),
        (PROMETHEUS, "metrics.prometheus"),
    ],
)
def test_a_service_that_is_off_responds_with_503_and_says_which_setting_it_lacks(
    bare: Proxy, service: str, setting: str
) -> None:
    host = route(bare, service)
    refused = http.request(bare.web, host, "/api/overview")
    assert refused.status == 503
    assert f"{service}: {setting} is not set" in refused.text
    assert f"{service}: {setting} is not set" in command(bare, f"http://{host}/").stdout


def test_explain_says_that_rondpoint_responds(proxy: Proxy) -> None:
    found = command(proxy, f"http://{route(proxy, API)}/dashboard/").stdout
    assert "200: Rondpoint itself responds: the API, and the dashboard at /dashboard/" in found


def test_requests_are_counted_for_the_router(proxy: Proxy) -> None:
    host = route(proxy, API)
    assert proxy.status(host, "/api/version") == 200
    counted = {"router": host.removesuffix(".test"), "service": API, "code": "200"}
    wait_for_scrape(
        proxy.admin, lambda now: now.sum("traefik_router_requests_total", **counted) == 1, "the count"
    )
