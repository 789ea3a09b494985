"""Options of an entry point for all its routers: middlewares, redirections, and Traefik 1's options."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rondpoint.model import Middleware, Router
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.test_explaining import command
from tests.proxy.wire.client import Client

USERS = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SIGNED = ("Authorization", "Basic " + b64encode(b"test:test").decode())
STRIP = Middleware("strip@file", "stripPrefix", {"prefixes": ["/api"]})
ADD = Middleware("add@file", "addPrefix", {"prefix": "/own"})


@contextmanager
def point(store: Store, directory: Path, *flags: str) -> Iterator[tuple[Proxy, int]]:
    """A proxy, and the port of its second entry point, `own`, with these flags."""
    port = free_port()
    address = f"--entryPoints.own.address=127.0.0.1:{port}"
    with running_proxy(directory, store, address, *flags) as proxy:
        yield proxy, port


def ask(proxy: Proxy, path: str) -> Any:
    response = http.request(proxy.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)


def test_its_middlewares_come_before_those_of_each_router(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.http.middlewares=strip@file"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        proxy.middlewares.update({STRIP.name: STRIP, ADD.name: ADD})
        host = proxy.route(origin, middlewares=(ADD.name,))
        plain = proxy.route(origin)
        for where, name, target in (
            (port, host, "/own/x"),
            (proxy.web, host, "/own/api/x"),
            (port, plain, "/x"),
            (proxy.web, plain, "/api/x"),
        ):
            assert http.request(where, name, "/api/x").status == 200
            assert origin.requests[-1].target == target

        proxy.middlewares[STRIP.name] = Middleware(STRIP.name, "addPrefix", {"prefix": "/new"})
        name = host.removesuffix(".test")
        proxy.routers[name] = msgspec.structs.replace(proxy.routers[name], middlewares=())
        proxy.publish()
        assert http.request(port, host, "/x").status == 200
        assert origin.requests[-1].target == "/new/x"
        assert http.request(port, "nobody.test").status == 404


def test_a_middleware_without_a_provider_is_that_of_the_routers_provider(
    store: Store, short_path: Path
) -> None:
    flag = "--entryPoints.own.http.middlewares=strip"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        proxy.route(origin)
        (service,) = proxy.services
        for provider in ("file", "docker"):
            rule = v3.parse(f"Host(`{provider}.test`)")
            proxy.routers[f"r@{provider}"] = Router(f"r@{provider}", rule, service, 10, ("own",))
        proxy.middlewares[STRIP.name] = STRIP
        proxy.publish()
        assert http.request(port, "file.test", "/api/x").status == 200
        assert origin.requests[-1].target == "/x"
        refused = http.request(port, "docker.test", "/api/x")
        reason = "middleware strip@docker does not exist"
        assert (refused.status, reason in refused.text) == (503, True)
        assert reason in ask(proxy, "/api/explain?url=http://docker.test/&entryPoint=own")["reason"]
        messages = [told["message"] for told in ask(proxy, "/api/diagnostics")]
        assert f"its routers respond with 503: {reason}" in messages


def test_a_missing_middleware_closes_the_entry_point_and_its_name_is_reported(
    store: Store, short_path: Path
) -> None:
    flag = "--entryPoints.own.http.middlewares=strip@file"
    reason = "middleware strip@file does not exist"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        (service,) = proxy.services
        proxy.routers["only@file"] = Router("only@file", v3.parse("Host(`only.test`)"), service, 10, ("own",))
        proxy.publish()
        refused = http.request(port, host)
        assert (refused.status, reason in refused.text) == (503, True)
        assert proxy.status(host) == 200

        (told,) = ask(proxy, "/api/diagnostics")
        assert (told["severity"], told["source"], told["subject"]) == ("error", "settings", "entry point own")
        assert told["message"] == f"its routers respond with 503: {reason}"
        shown = ask(proxy, "/api/entrypoints/own")
        assert (shown["status"], shown["error"]) == ("disabled", [reason])
        only = ask(proxy, "/api/http/routers/only@file")
        assert (only["status"], only["error"]) == ("disabled", [reason])
        assert ask(proxy, f"/api/http/routers/{host.removesuffix('.test')}")["status"] == "enabled"
        way = ask(proxy, f"/api/explain?url=http://{host}/&entryPoint=own")
        assert (way["status"], way["reason"]) == (503, reason)

        proxy.middlewares[STRIP.name] = STRIP
        proxy.publish()
        assert http.request(port, host).status == 200
        assert ask(proxy, "/api/diagnostics") == []
        assert "status" not in ask(proxy, "/api/entrypoints/own")


TRAEFIK_3 = ("--entryPoints.own.http.redirections.entryPoint.to=secure",)


@contextmanager
def redirecting(store: Store, directory: Path, *flags: str) -> Iterator[tuple[Proxy, int, int]]:
    """A proxy with the entry points `own` and `secure`, which speaks TLS, and their ports."""
    certificate = write_certificate(directory / "own.pem")
    secure = free_port()
    flags = (
        f"--entryPoints.secure.address=127.0.0.1:{secure}",
        f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
        *flags,
    )
    with point(store, directory, *flags) as (proxy, port):
        yield proxy, port, secure


def test_it_redirects_each_host_and_method(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, redirecting(store, short_path, *TRAEFIK_3) as (proxy, port, secure):
        host = proxy.route(origin, priority=1_000_000)
        for method, status in (("GET", 301), ("HEAD", 308), ("POST", 308), ("DELETE", 308)):
            for name in (host, "nobody.test"):
                response = http.request(port, f"{name}:{port}", "/a?b=c", method=method)
                assert response.status == status
                assert response.header("Location") == f"https://{name}:{secure}/a?b=c"
        assert not origin.requests
        assert proxy.status(host) == 200


def test_it_redirects_several_requests_of_one_connection(store: Store, short_path: Path) -> None:
    with redirecting(store, short_path, *TRAEFIK_3) as (_, port, _), Client(port) as client:
        for _ in range(2):
            client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            assert client.answer().status == 301


@pytest.mark.parametrize(
    ("flags", "status", "location"),
    [
        (("to=:9443",), 301, "https://a.test:9443/"),
        (("to=:443",), 301, "https://a.test/"),
        (("to=:80", "scheme=http"), 301, "http://a.test/"),
        (("to=:443", "permanent=false"), 302, "https://a.test/"),
    ],
)
def test_options_of_a_redirection(
    store: Store, short_path: Path, flags: tuple[str, ...], status: int, location: str
) -> None:
    prefix = "--entryPoints.own.http.redirections.entryPoint."
    with point(store, short_path, *(prefix + flag for flag in flags)) as (_, port):
        response = http.request(port, f"a.test:{port}")
        assert (response.status, response.header("Location")) == (status, location)


def test_a_redirection_lets_acme_challenges_through_to_routers(store: Store, short_path: Path) -> None:
    challenge = "/.well-known/acme-challenge/token"
    with Origin.named("a") as origin, redirecting(store, short_path, *TRAEFIK_3) as (proxy, port, secure):
        host = proxy.route(origin)
        assert http.request(port, host, challenge).status == 200
        for path in (
            "/.well-known/acme-challenge/../../secret",
            "/.well-known/acme-challenge/%2e%2e/%2E%2E/secret",
            "/.well-known/acme-challenge",
            "/.well-known/other",
        ):
            assert http.request(port, host, path).status == 301, path
        # No router would serve it here; the server may be behind the redirection.
        response = http.request(port, "nobody.test", challenge)
        assert response.header("Location") == f"https://nobody.test:{secure}{challenge}"
        assert [request.target for request in origin.requests] == [challenge]


def test_a_router_of_a_higher_priority_comes_before_a_redirection(store: Store, short_path: Path) -> None:
    flags = (*TRAEFIK_3, "--entryPoints.own.http.redirections.entryPoint.priority=10")
    with Origin.named("a") as origin, redirecting(store, short_path, *flags) as (proxy, port, _):
        before, after = proxy.route(origin, priority=11), proxy.route(origin, priority=10)
        assert http.request(port, before).status == 200
        assert http.request(port, after).status == 301
        assert http.request(port, "nobody.test").status == 301


def test_the_middlewares_come_before_the_redirection(store: Store, short_path: Path) -> None:
    flags = (*TRAEFIK_3, f"--entryPoints.own.auth.basic.users={USERS}")
    with redirecting(store, short_path, *flags) as (_, port, _):
        assert http.request(port, "a.test").status == 401
        assert http.request(port, "a.test", headers=[SIGNED]).status == 301


def test_a_trusted_proxy_s_https_requests_reach_the_routers(store: Store, short_path: Path) -> None:
    flags = (
        "--entryPoints.own.http.redirections.entryPoint.to=:443",
        f"--entryPoints.own.auth.basic.users={USERS}",
    )
    over_tls = ("X-Forwarded-Proto", "https")
    trusted = "--entryPoints.own.forwardedHeaders.trustedIPs=127.0.0.1"
    with Origin.named("a") as origin, point(store, short_path, *flags, trusted) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host, headers=[over_tls]).status == 401
        assert http.request(port, host, headers=[SIGNED]).status == 301
        assert http.request(port, host, headers=[SIGNED, over_tls]).status == 200
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host, headers=[SIGNED, over_tls]).status == 301


def test_a_redirection_needs_a_host(store: Store, short_path: Path) -> None:
    with redirecting(store, short_path, *TRAEFIK_3) as (_, port, _), Client(port) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.answer().status == 400


def test_redirections_are_counted_and_logged_under_a_name(store: Store, short_path: Path) -> None:
    log = short_path / "access.log"
    flags = (
        *TRAEFIK_3,
        "--metrics.prometheus.addRoutersLabels",
        f"--accessLog.filePath={log}",
        "--accessLog.format=json",
    )
    with redirecting(store, short_path, *flags) as (proxy, port, _):
        assert http.request(port, "a.test").status == 301
        name, path = "own-to-secure@internal", "/metrics?scope=installation"
        until(lambda: f'router="{name}"' in http.request(proxy.admin, "localhost", path).text, "its count")
        until(lambda: log.exists() and name in log.read_text(), "a line")


def test_a_redirection_is_shown_everywhere(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, redirecting(store, short_path, *TRAEFIK_3) as (proxy, _, secure):
        host = proxy.route(origin)
        shown = ask(proxy, "/api/entrypoints/own")["http"]
        assert shown["redirections"] == {"entryPoint": {"to": "secure", "scheme": "https", "permanent": True}}
        assert "redirections" not in ask(proxy, "/api/entrypoints/web")["http"]
        reason = f"the entry point redirects to https, port {secure}"
        way = ask(proxy, f"/api/explain?url=http://{host}/&entryPoint=own&method=POST")
        assert (way["router"], way["status"], way["reason"]) == ("own-to-secure@internal", 308, reason)
        (step,) = way["steps"]
        assert (step["name"], step["status"]) == ("redirect-own-to-secure@internal", 308)
        # A trusted proxy in front that speaks TLS has the URL already.
        there = f"http://{host}:{secure}/&entryPoint=own&header=X-Forwarded-Proto:%20https"
        assert ask(proxy, f"/api/explain?url={there}")["router"] == host.removesuffix(".test")
        challenge = f"http://{host}/.well-known/acme-challenge/x"
        assert ask(proxy, f"/api/explain?url={challenge}&entryPoint=own")["status"] == 0
        explained = command(proxy, f"http://{host}/", "--entryPoint=own")
        assert explained.returncode == 0, explained.stdout
        assert f"response    301: {reason}" in explained.stdout
        router = host.removesuffix(".test")
        page = http.request(proxy.admin, "localhost", f"/dashboard/?router={router}").text
        assert f"redirects to https, port {secure}" in page
        middleware = ask(proxy, "/api/http/middlewares/redirect-own-to-secure@internal")
        assert middleware["redirectScheme"]["port"] == str(secure)


def test_traefik_1_s_authentication(store: Store, short_path: Path) -> None:
    flags = (f"--entryPoints.own.auth.basic.users={USERS}", "--entryPoints.own.auth.headerField=X-User")
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host).status == 401
        assert not origin.requests
        assert http.request(port, host, headers=[SIGNED]).status == 200
        assert origin.requests[-1].header("X-User") == "test"
        assert proxy.status(host) == 200

        way = ask(proxy, f"/api/explain?url=http://{host}/&entryPoint=own")
        assert way["middlewares"] == ["own-auth@internal"]
        assert ask(proxy, "/api/entrypoints/own")["http"]["middlewares"] == ["own-auth@internal"]
        router = host.removesuffix(".test")
        page = http.request(proxy.admin, "localhost", f"/dashboard/?router={router}").text
        assert "own-auth@internal" in page
        for path in ("/api/http/middlewares/own-auth@internal", "/api/rawdata"):
            assert "IgXLP6" not in http.request(proxy.admin, "localhost", path).text


@pytest.mark.parametrize("option", ["whiteList.sourceRange", "whitelistSourceRange"])
@pytest.mark.parametrize(("networks", "status"), [("10.0.0.0/8,192.168.0.1", 403), ("127.0.0.0/8", 200)])
def test_traefik_1_s_white_list(
    store: Store, short_path: Path, option: str, networks: str, status: int
) -> None:
    flag = f"--entryPoints.own.{option}={networks}"
    with Origin.named("a") as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        assert http.request(port, host).status == status
        assert proxy.status(host) == 200


def test_traefik_1_s_redirection_to_an_entry_point(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.own.redirect.entryPoint=secure"
    with Origin.named("a") as origin, redirecting(store, short_path, flag) as (proxy, port, secure):
        host = proxy.route(origin)
        response = http.request(port, host, "/a")
        assert (response.status, response.header("Location")) == (302, f"https://{host}:{secure}/a")
        # As in Traefik 1, only routers redirect.
        assert http.request(port, "nobody.test").status == 404


def test_traefik_1_s_redirection_of_a_frontend_to_an_entry_point(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, redirecting(store, short_path) as (proxy, port, secure):
        options = {"entryPoint": "secure", "permanent": True}
        middlewares = (
            Middleware("to-secure@docker", "redirectEntryPoint", options),
            Middleware("to-web@docker", "redirectEntryPoint", {"entryPoint": "web"}),
            Middleware("to-none@docker", "redirectEntryPoint", {"entryPoint": "none"}),
        )
        proxy.middlewares.update((each.name, each) for each in middlewares)
        up, down, nowhere = (proxy.route(origin, middlewares=(each.name,)) for each in middlewares)
        for method, status in (("GET", 301), ("POST", 308)):
            for name in (up, f"{up}:{port}"):
                response = http.request(port, name, "/a?b=c", method=method)
                assert (response.status, response.header("Location")) == (
                    status,
                    f"https://{up}:{secure}/a?b=c",
                )
        response = http.request(port, down, "/a")
        assert (response.status, response.header("Location")) == (302, f"http://{down}:{proxy.web}/a")
        assert not origin.requests
        # Its own requests pass, also if a port mapping hides the port from clients.
        assert http.request(proxy.web, down, "/a").status == 200
        assert http.request(proxy.web, f"{down}:80", "/a").status == 200
        assert len(origin.requests) == 2
        response = http.request(port, nowhere)
        assert (response.status, "entry point none does not exist" in response.text) == (503, True)


def test_traefik_1_s_redirection_by_an_expression(store: Store, short_path: Path) -> None:
    flags = (
        "--entryPoints.own.redirect.regex=^http://([^/]+)/old/(.*)",
        "--entryPoints.own.redirect.replacement=https://$1/new/$2",
        "--entryPoints.own.redirect.permanent=true",
    )
    with Origin.named("a") as origin, point(store, short_path, *flags) as (proxy, port):
        host = proxy.route(origin)
        response = http.request(port, host, "/old/a")
        assert (response.status, response.header("Location")) == (301, f"https://{host}/new/a")
        assert http.request(port, host, "/other").status == 200


def test_traefik_1_s_authentication_server(store: Store, short_path: Path) -> None:
    decision = b"HTTP/1.1 %b\r\nX-User: ada\r\nContent-Length: 0\r\n\r\n"
    for answer, status, users in ((b"200 OK", 200, ["ada"]), (b"403 Forbidden", 403, [])):
        with Origin(decision % answer) as decider, Origin.named("a") as origin:
            prefix = "--entryPoints.own.auth.forward."
            flags = (f"{prefix}address={decider.url}", f"{prefix}authResponseHeaders=X-User")
            with point(store, short_path, *flags) as (proxy, port):
                host = proxy.route(origin)
                assert http.request(port, host, "/x").status == status
                assert [request.header("X-User") for request in origin.requests] == users
                assert len(decider.requests) == 1


def test_traefik_1_s_compression(store: Store, short_path: Path) -> None:
    text = b"a line of text\n" * 1000
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(text)
    flag = "--entryPoints.own.compress=true"
    with Origin(head + text) as origin, point(store, short_path, flag) as (proxy, port):
        host = proxy.route(origin)
        response = http.request(port, host, headers=[("Accept-Encoding", "gzip")])
        assert response.header("Content-Encoding") == "gzip"
        assert gzip.decompress(response.body) == text
        response = http.request(proxy.web, host, headers=[("Accept-Encoding", "gzip")])
        assert (response.header("Content-Encoding"), response.body) == (None, text)


def test_metrics_and_ping_are_behind_the_middlewares_but_not_redirected(
    store: Store, short_path: Path
) -> None:
    flags = (
        "--metrics.prometheus.entryPoint=own",
        "--ping.entryPoint=own",
        f"--entryPoints.own.auth.basic.users={USERS}",
        "--entryPoints.own.http.middlewares=seen@file",
        *TRAEFIK_3,
    )
    with Origin.named("a") as origin, redirecting(store, short_path, *flags) as (proxy, port, _):
        seen = {"customResponseHeaders": {"X-Seen": "1"}}
        proxy.middlewares["seen@file"] = Middleware("seen@file", "headers", seen)
        proxy.route(origin)
        for path, text in (("/metrics", "rondpoint_instances"), ("/ping?a=b", "OK")):
            refused = http.request(port, "localhost", path)
            assert (refused.status, refused.header("X-Seen")) == (401, "1")
            response = http.request(port, "localhost", path, headers=[SIGNED])
            assert (response.status, response.header("X-Seen"), text in response.text) == (200, "1", True)
        assert http.request(port, "localhost", "/pingx", headers=[SIGNED]).status == 301
        assert http.request(proxy.web, "localhost", "/ping").status == 404
        assert http.request(proxy.admin, "localhost", "/ping").text == "OK"
        assert ask(proxy, "/api/diagnostics") == []

        del proxy.middlewares["seen@file"]
        proxy.publish()
        assert http.request(port, "localhost", "/ping", headers=[SIGNED]).status == 503


def test_the_connection_goes_on_after_a_refused_ping(store: Store, short_path: Path) -> None:
    log = short_path / "access.log"
    flags = (
        "--ping.entryPoint=own",
        f"--entryPoints.own.auth.basic.users={USERS}",
        f"--accessLog.filePath={log}",
        "--accessLog.format=json",
    )
    with (
        Origin.named("a") as origin,
        point(store, short_path, *flags) as (proxy, port),
        Client(port) as client,
    ):
        host = proxy.route(origin)
        sign = ": ".join(SIGNED)
        for path, lines, status in (
            ("/ping", f"{sign}\r\n", 200),
            ("/ping", "", 401),
            ("/x", "", 401),
            ("/y", f"{sign}\r\n", 200),
        ):
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())
            assert client.answer().status == status
        until(lambda: log.exists() and '"/y"' in log.read_text(), "the last line")
        logged = [json.loads(line) for line in log.read_text().splitlines()]
        users = [
            (line["RequestPath"], line["ClientUsername"])
            for line in logged
            if line["entryPointName"] == "own"
        ]
        assert users == [("/x", "-"), ("/y", "test")]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("http.middlewares=later@file",), "is of kind later, which is not served yet"),
        (("auth.headerField=X-User",), "middleware own-auth@internal has options that could not be read"),
        (("auth.basic.users=nobody",), "middleware own-auth@internal has options that could not be read"),
        (("whiteList.sourceRange=nowhere",), "middleware own-whiteList@internal has options"),
        (("redirect.regex=(",), "middleware own-redirect@internal has options"),
    ],
)
def test_an_option_that_cannot_be_served_closes_the_entry_point(
    store: Store, short_path: Path, flags: tuple[str, ...], reason: str
) -> None:
    options = [f"--entryPoints.own.{flag}" for flag in flags]
    with Origin.named("a") as origin, point(store, short_path, *options) as (proxy, port):
        proxy.middlewares["later@file"] = Middleware("later@file", "later", {})
        host = proxy.route(origin)
        refused = http.request(port, host)
        assert (refused.status, reason in refused.text) == (503, True)
        assert any(reason in told["message"] for told in ask(proxy, "/api/diagnostics"))
        assert proxy.status(host) == 200
