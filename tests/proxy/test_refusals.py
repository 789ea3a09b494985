"""Requests that a middleware refuses: in `/metrics`, and in the access log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rondpoint.model import Composition, FailoverErrors, Member, Middleware, Service
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
DENY = Middleware("deny@x", "ipAllowList", {"sourceRange": ["192.0.2.0/24"]})
USERS = Middleware("users@x", "basicAuth", {"users": ["eve:$apr1$x$fm7mOoRdxBKe1h8mCMZ5s0"]})
SECURE = Middleware("secure@x", "redirectScheme", {"scheme": "https"})


@pytest.fixture
def log(short_path: Path) -> Path:
    return short_path / "access.log"


@pytest.fixture
def proxy(store: Store, short_path: Path, log: Path) -> Iterator[Proxy]:
    flags = ("--metrics.prometheus", f"--accessLog.filePath={log}", "--accessLog.format=json")
    with running_proxy(short_path, store, *flags, workers=2) as proxy:
        yield proxy


def refusals(proxy: Proxy) -> dict[tuple[str, str, str], float]:
    text = http.request(proxy.admin, "localhost", "/metrics").text
    return {
        (sample.labels["middleware"], sample.labels["kind"], sample.labels["reason"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "rondpoint_middleware_refusals_total"
    }


def test_refusals_of_all_workers_are_counted_by_middleware_and_reason(proxy: Proxy, log: Path) -> None:
    with Origin.named("one") as origin:
        proxy.middlewares.update((each.name, each) for each in (DENY, USERS, SECURE))
        denied = proxy.route(origin, middlewares=("users@x", "deny@x"))
        redirected = proxy.route(origin, middlewares=("secure@x",))
        open_ = proxy.route(origin)
        others = proxy.route(origin, middlewares=("deny@x",))
        for _ in range(3):
            assert [proxy.status(host) for host in (denied, redirected, open_, others)] == [
                401,
                302,
                200,
                403,
            ]
    expected = {("users@x", "basicAuth", "unauthorized"): 3, ("deny@x", "ipAllowList", "forbidden"): 3}
    until(lambda: refusals(proxy) == expected, "the refusals")
    until(lambda: len(json_lines(log)) >= 12, "the access log")
    logged = json_lines(log)
    responders = {
        host: {line.get("MiddlewareName") for line in logged if line["RequestHost"] == host}
        for host in (denied, redirected, open_, others)
    }
    assert responders == {denied: {"users@x"}, redirected: {"secure@x"}, open_: {None}, others: {"deny@x"}}


def test_a_middleware_before_a_member_refuses_too(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        proxy.middlewares[DENY.name] = DENY
        host = proxy.route(origin)
        name = host.removesuffix(".test")
        proxy.services["inner"] = Service("inner", proxy.services[name].servers, middlewares=("deny@x",))
        composition: Composition = "weighted"
        proxy.services[name] = Service(name, composition=composition, members=(Member("inner"),))
        proxy.publish()
        assert proxy.status(host) == 403
    until(lambda: refusals(proxy) == {("deny@x", "ipAllowList", "forbidden"): 1}, "the refusal")
    del proxy.middlewares[DENY.name]
    proxy.publish()
    until(lambda: not refusals(proxy), "no refusals of a removed middleware")


def test_the_middleware_that_a_fallback_stands_in_for_has_not_responded(proxy: Proxy, log: Path) -> None:
    with Origin.named("main") as main, Origin.named("spare") as spare:
        proxy.middlewares[DENY.name] = DENY
        members = []
        for origin, guards in ((main, (DENY.name,)), (spare, ())):
            name = proxy.route(origin).removesuffix(".test")
            proxy.services[name] = msgspec.structs.replace(proxy.services[name], middlewares=guards)
            members.append(Member(name))
        host = proxy.route()
        proxy.services[host.removesuffix(".test")] = Service(
            host.removesuffix(".test"),
            composition="failover",
            members=tuple(members),
            failover_errors=FailoverErrors(("403",)),
        )
        proxy.publish()
        assert proxy.get(host) == "spare"
        until(lambda: host in {line["RequestHost"] for line in json_lines(log)}, "the access log")
    logged = json_lines(log)
    assert [line.get("MiddlewareName") for line in logged if line["RequestHost"] == host] == [None]
