"""Options of an entry point about requests: paths, queries, encoded characters, and the size of a head."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from proxy.downstream.keep_alive import KeepAliveLimit
from proxy.http1.request import Request
from rondpoint.model import Middleware
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.proxy.running import Proxy
from tests.proxy.test_entry_point_options import ask, point
from tests.proxy.wire.client import Client

KEEPING = "--entryPoints.own.http.sanitizePath=false"
REFUSED = "the path leads to different routers with and without its dot segments and empty segments"


def guard(proxy: Proxy, origin: Origin, prefix: str) -> str:
    """Route a new host to the origin, with a router for `prefix` that lets nobody pass; return the host."""
    nobody = Middleware("nobody@file", "ipAllowList", {"sourceRange": ["192.0.2.1"]})
    proxy.middlewares[nobody.name] = nobody
    host = proxy.route(origin, priority=1)
    open_router = proxy.routers[host.removesuffix(".test")]
    proxy.routers["guard@file"] = msgspec.structs.replace(
        open_router,
        name="guard@file",
        rule=v3.parse(f"Host(`{host}`) && PathPrefix(`{prefix}`)"),
        priority=10,
        middlewares=(nobody.name,),
    )
    proxy.publish()
    return host


def test_a_server_gets_the_path_that_the_rules_have_seen(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, point(store, short_path, KEEPING) as (proxy, port):
        host = proxy.route(origin)
        for where, target, received in (
            (proxy.web, "/a/../b//c/%2e/d?e=/../f", "/b/c/d?e=/../f"),
            (port, "/a/../b//c/%2e/d?e=/../f", "/a/../b//c/%2e/d?e=/../f"),
            (proxy.web, f"http://{host}/a/..//b", "/b"),
            (port, f"http://{host}/a/..//b", "/a/..//b"),
        ):
            assert http.request(where, host, target).status == 200
            assert origin.requests[-1].target == received


def test_a_guarded_path_cannot_be_evaded(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, point(store, short_path, KEEPING) as (proxy, port):
        host = guard(proxy, origin, "/admin")
        for target in ("/x/../admin", "//admin/x", "/x/%2e%2e/admin", "/./admin"):
            assert http.request(proxy.web, host, target).status == 403, target
            refused = http.request(port, host, target)
            assert (refused.status, REFUSED in refused.text) == (400, True), target
        # A server that compares prefixes reads this as a path below /admin.
        assert http.request(proxy.web, host, "/admin/../x").status == 200
        assert origin.requests[-1].target == "/x"
        assert http.request(port, host, "/admin/../x").status == 400
        for target in ("/admin", "/admin/x//y", "/admin/x/../y"):
            assert http.request(port, host, target).status == 403, target
        assert len(origin.requests) == 1
        for target in ("/x//y", "/x/../y"):
            assert http.request(port, host, target).status == 200
        assert [request.target for request in origin.requests[1:]] == ["/x//y", "/x/../y"]
        assert http.request(port, "nobody.test", "/x/../admin").status == 404


def test_a_refused_path_is_explained(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, point(store, short_path, KEEPING) as (proxy, _):
        host = guard(proxy, origin, "/admin")
        for entry_point, path, status, router in (
            ("own", "/x/../admin", 400, ""),
            ("own", "/admin/../x", 400, ""),
            ("own", "/x/../y", 0, host.removesuffix(".test")),
            ("web", "/x/../admin", 0, "guard@file"),
        ):
            way = ask(proxy, f"/api/explain?url=http://{host}{path}&entryPoint={entry_point}")
            assert (way["status"], way.get("router", "")) == (status, router), path
            assert (way["reason"] == REFUSED) == (status == 400)


def test_kept_paths_pass_the_middlewares_of_the_entry_point(store: Store, short_path: Path) -> None:
    flags = (KEEPING, "--entryPoints.own.http.middlewares=add@file")
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        add = Middleware("add@file", "headers", {"customRequestHeaders": {"X-Added": "1"}})
        proxy.middlewares[add.name] = add
        host = guard(proxy, origin, "/admin")
        assert http.request(port, host, "/x//y").status == 200
        request = origin.requests[-1]
        assert (request.target, request.header("X-Added")) == ("/x//y", "1")
        assert http.request(port, host, "/x/../admin").status == 400


def test_semicolons_of_queries_are_encoded(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.http.encodeQuerySemicolons"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin, rule="Query(`a`, `b`)")
        for where, target, received in (
            (port, "/c;d?a=b&e;f", "/c;d?a=b&e%3Bf"),
            (proxy.web, "/c;d?a=b;e", "/c;d?a=b;e"),
            (port, "/?a=b;e", None),
        ):
            before = len(origin.requests)
            response = http.request(where, host, target)
            assert response.status == (404 if received is None else 200)
            assert [request.target for request in origin.requests[before:]] == [received] * (
                received is not None
            )


def test_a_head_may_be_as_long_as_its_entry_point_says(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.http.maxHeaderBytes=1000"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        start = f"GET / HTTP/1.1\r\nHost: {host}\r\nA: "
        for size, status in ((1000, 200), (1001, 431)):
            with Client(port) as client:
                client.send((start + "x" * (size - len(start) - 4) + "\r\n\r\n").encode())
                assert client.answer().status == status
        assert http.request(proxy.web, host, headers=[("A", "x" * 1001)]).status == 200
        assert len(origin.requests) == 2


def test_a_longer_head_than_the_general_limit(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.http.maxHeaderBytes=200000"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host, headers=[("A", "x" * 150_000)]).status == 200
        assert http.request(proxy.web, host, headers=[("A", "x" * 150_000)]).status == 431


def test_encoded_characters_are_refused_for_all_routers(store: Store, short_path: Path) -> None:
    flags = (
        "--entryPoints.own.http.encodedCharacters.allowEncodedSlash=false",
        "--entryPoints.own.http.middlewares=nobody@file",
    )
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        host = guard(proxy, origin, "/admin")
        proxy.middlewares["nobody@file"] = Middleware("nobody@file", "addPrefix", {"prefix": "/%2F"})
        proxy.publish()
        for target in ("/a%2Fb", "/a%2fb?c", "/admin%2F"):
            assert http.request(port, host, target).status == 400
        assert http.request(port, host, "/a%5Cb?%2F").status == 200
        assert origin.requests[-1].target == "/%2F/a%5Cb?%2F"
        assert http.request(proxy.web, host, "/a%2Fb").status == 200
        assert http.request(port, "nobody.test", "/a%2Fb").status == 404

        name = "own-encodedCharacters@internal"
        way = ask(proxy, f"/api/explain?url=http://{host}/&entryPoint=own")
        assert way["middlewares"] == [name, "nobody@file"]
        options = ask(proxy, f"/api/http/middlewares/{name}")["encodedCharacters"]
        assert [option for option, allowed in options.items() if not allowed] == ["allowEncodedSlash"]


@pytest.mark.parametrize(("strategy", "status", "passed"), [("keep", 200, 1), ("delete", 200, 0)])
def test_traefik_s_word_for_underscores(
    store: Store, short_path: Path, strategy: str, status: int, passed: int
) -> None:
    flag = f"--entryPoints.own.http.underscoreHeadersStrategy={strategy}"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host, headers=[("X_User", "root")]).status == status
        assert len(origin.requests[0].all("X_User")) == passed


@pytest.mark.parametrize(
    ("trusting", "sent", "received"),
    [(True, "1.2.3.4", "1.2.3.4"), (True, "", None), (False, "1.2.3.4", None)],
)
def test_the_peer_is_not_appended(
    store: Store, short_path: Path, trusting: bool, sent: str, received: str | None
) -> None:
    prefix = "--entryPoints.own.forwardedHeaders."
    flags = (f"{prefix}notAppendXForwardedFor", f"{prefix}insecure={str(trusting).lower()}")
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        # The rule sees what a trusted proxy in front has sent, with or without the option.
        host = proxy.route(origin, rule="Host(`{host}`) && !Header(`X-Forwarded-For`, `6.6.6.6`)")
        headers = [("X-Forwarded-For", sent)] if sent else []
        assert http.request(port, host, headers=headers).status == 200
        request = origin.requests[-1]
        assert (request.header("X-Forwarded-For"), request.header("X-Real-Ip")) == (received, "127.0.0.1")
        forged = http.request(port, host, headers=[("X-Forwarded-For", "6.6.6.6")])
        assert forged.status == (404 if trusting else 200)


def test_a_connection_ends_after_so_many_requests(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.transport.keepAliveMaxRequests=3"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        for _ in range(2):
            with Client(port) as client:
                for number in (1, 2, 3):
                    client.send(request)
                    expected = "close" if number == 3 else None
                    assert client.answer().header("Connection") == expected
                assert client.ended()
        with Client(proxy.web) as client:
            for _ in range(4):
                client.send(request)
                assert client.answer().header("Connection") is None


def test_a_connection_ends_with_the_response_after_its_time() -> None:
    now = [100.0]
    limit = KeepAliveLimit(seconds=5.0)
    handled: list[bool] = []

    def note(_downstream: object, request: Request) -> bool:
        handled.append(request.keep_alive)
        return True

    handle = limit.limited(note, lambda: now[0])
    for seconds, kept in ((0.0, True), (4.9, True), (5.0, False)):
        now[0] = 100.0 + seconds
        request = Request()
        request.keep_alive = True
        handle(None, request)
        assert handled.pop() is kept


def test_the_api_shows_the_options(store: Store, short_path: Path) -> None:
    prefix = "--entryPoints.own."
    flags = (
        KEEPING,
        f"{prefix}http.encodeQuerySemicolons",
        f"{prefix}http.maxHeaderBytes=5000",
        f"{prefix}http.encodedCharacters.allowEncodedHash=false",
        f"{prefix}headersWithUnderscores=drop",
        f"{prefix}transport.keepAliveMaxRequests=9",
        f"{prefix}transport.keepAliveMaxTime=90s",
        f"{prefix}transport.lifeCycle.requestAcceptGraceTimeout=3s",
        f"{prefix}forwardedHeaders.notAppendXForwardedFor",
    )
    with point(store, short_path, *flags) as (proxy, _):
        shown = ask(proxy, "/api/entrypoints/own")
        characters = shown["http"].pop("encodedCharacters")
        assert [name for name, allowed in characters.items() if not allowed] == ["allowEncodedHash"]
        assert len(characters) == 7
        assert shown["http"] == {
            "maxHeaderBytes": 5000,
            "sanitizePath": False,
            "encodeQuerySemicolons": True,
            "underscoreHeadersStrategy": "delete",
            "middlewares": ["own-encodedCharacters@internal"],
        }
        transport = shown["transport"]
        assert (transport["keepAliveMaxRequests"], transport["keepAliveMaxTime"]) == (9, "1m30s")
        assert transport["lifeCycle"]["requestAcceptGraceTimeout"] == "3s"
        assert shown["forwardedHeaders"] == {"notAppendXForwardedFor": True}
        plain = ask(proxy, "/api/entrypoints/web")
        assert plain["http"] == {"maxHeaderBytes": 65536, "sanitizePath": True}
        assert (plain["forwardedHeaders"], "keepAliveMaxRequests" in plain["transport"]) == ({}, False)
