"""Traefik 3 and Rondpoint apply the options of an entry point to the same requests alike."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.wire.client import Client

USERS = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SIGNED = ("Authorization", "Basic " + b64encode(b"test:test").decode())
SECURE = ("X-Forwarded-Proto", "https")
OTHER_PATH = "a server may resolve the path or not, and one of the two paths has another router"
ESCAPES = "the server gets escapes in a path as they were sent; Traefik decodes needless ones"
LOWER_CASE = "the server gets escapes in a path as they were sent; Traefik writes them in upper case"
SEMICOLONS = "the server gets semicolons in a query as they were sent; Traefik sends & instead"
LAST_SLASH = "RFC 3986 keeps the slash after a last dot segment"
CHALLENGE = "/.well-known/acme-challenge/token"

OPTIONS = {
    "guarded": ("http.middlewares=auth@file,add@file",),
    "reversed": ("http.middlewares=add@file,auth@file",),
    "chained": ("http.middlewares=all@file",),
    "moved": ("http.redirections.entryPoint.to=secure",),
    "other": ("http.redirections.entryPoint.to=:9443", "http.redirections.entryPoint.permanent=false"),
    "standard": ("http.redirections.entryPoint.to=:443",),
    "plain": ("http.redirections.entryPoint.to=:80", "http.redirections.entryPoint.scheme=http"),
    "late": ("http.redirections.entryPoint.to=:443", "http.redirections.entryPoint.priority=10"),
    "trusting": ("http.redirections.entryPoint.to=:443", "forwardedHeaders.insecure=true"),
    "guardedmoved": ("http.middlewares=auth@file", "http.redirections.entryPoint.to=:443"),
    "keeping": ("http.sanitizePath=false",),
    "keepingguarded": ("http.sanitizePath=false", "http.middlewares=auth@file"),
    "encoding": ("http.encodeQuerySemicolons=true",),
    "small": ("http.maxHeaderBytes=2048",),
    "noslash": ("http.encodedCharacters.allowEncodedSlash=false", "http.middlewares=auth@file"),
    "noothers": tuple(
        f"http.encodedCharacters.allowEncoded{name}={allowed}"
        for name, allowed in (("Percent", "false"), ("Semicolon", "0"), ("Hash", "F"), ("Slash", "true"))
    ),
    "reject": ("http.underscoreHeadersStrategy=reject",),
    "delete": ("http.underscoreHeadersStrategy=delete",),
    "unappended": ("forwardedHeaders.notAppendXForwardedFor=true",),
    "trustingunappended": ("forwardedHeaders.notAppendXForwardedFor=true", "forwardedHeaders.insecure=true"),
    "brief": ("transport.keepAliveMaxRequests=3",),
    "short": ("transport.keepAliveMaxTime=1ns",),
}
"""The options of each entry point besides `web` and `secure`, which have none."""

ROUTES: dict[str, Any] = {
    "routers": {
        "plain": {"rule": "Host(`plain.test`)", "priority": 9},
        "first": {"rule": "Host(`first.test`)", "priority": 11},
        "own": {"rule": "Host(`own.test`)", "middlewares": ["strip"]},
        "longest": {"rule": "Host(`longest.test`)", "priority": 1_000_000},
        "open": {"rule": "Host(`paths.test`)", "priority": 1},
        "admin": {"rule": "Host(`paths.test`) && PathPrefix(`/admin`)", "middlewares": ["auth"]},
        "only": {"rule": "Host(`only.test`) && PathPrefix(`/open`)"},
        "query": {"rule": "Host(`query.test`) && Query(`a`, `b`)"},
        "named": {"rule": "Host(`named.test`)", "entryPoints": ["explicit"]},
    },
    "middlewares": {
        "auth": {"basicAuth": {"users": [USERS], "headerField": "X-User"}},
        "add": {"addPrefix": {"prefix": "/added"}},
        "strip": {"stripPrefix": {"prefixes": ["/added"]}},
        "all": {"chain": {"middlewares": ["add", "strip", "auth"]}},
    },
}


class Sample(NamedTuple):
    """A request; Rondpoint departs from Traefik for the reason `departure`, if there is one."""

    entry_point: str
    host: str = "plain.test"
    path: str = "/x"
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    departure: str = ""


REQUESTS = [
    Sample("web"),
    Sample("web", "own.test", "/added/x"),
    *(
        Sample(name, host, path, method, headers)
        for name in ("guarded", "reversed", "chained")
        for host, path in (("plain.test", "/x?y=z"), ("own.test", "/x"), ("nobody.test", "/x"))
        for method, headers in (("GET", ()), ("GET", (SIGNED,)), ("POST", (SIGNED,)))
    ),
    *(
        Sample(name, host, path, method)
        for name in ("moved", "other", "standard", "plain")
        for host, path in (
            ("plain.test:82", "/x?y=z&a=b"),
            ("nobody.test:81", "/"),
            ("longest.test:82", "/a%2Fb/../c//d"),
        )
        for method in ("GET", "HEAD", "POST")
    ),
    *(Sample("late", host) for host in ("plain.test", "first.test", "nobody.test")),
    Sample("trusting"),
    Sample("guardedmoved"),
    Sample("guardedmoved", headers=(SIGNED,)),
    Sample("trusting", headers=(("X-Forwarded-Proto", "http"),)),
    Sample(
        "trusting",
        headers=(SECURE,),
        departure="a client that uses HTTPS already reaches the routers; Traefik responds with 418",
    ),
    Sample("plain", departure="a client whose URL is the new one already reaches the routers"),
    Sample(
        "moved",
        path=CHALLENGE,
        departure="a router may serve the challenges of another ACME client; Traefik only serves its own",
    ),
    Sample("moved", "nobody.test", CHALLENGE),
    Sample("moved", path="/.well-known/acme-challenge/../x"),
    *(
        Sample(name, path=target, headers=(SIGNED,))
        for name in ("web", "keeping", "keepingguarded")
        for target in (
            *("/", "/a//b", "//a", "/a/./b", "/a/../b", "/../a", "/a/b?c=/../d//e", "/a/..%2Fb"),
            *("/a/.b/..c", "/a/", "/.well-known/x"),
        )
    ),
    Sample("web", path="/a/%2e%2e/b?c=/../d//e"),
    Sample("keeping", path="/a/%2e%2e/b?c=/../d//e", departure=ESCAPES),
    *(Sample("web", path=target, departure=LAST_SLASH) for target in ("/a/b/..", "/a/.", "/a/b/..?c")),
    *(Sample("keeping", path=target) for target in ("/a/b/..", "/a/.", "/a/b/..?c")),
    *(
        Sample(name, "paths.test", target, headers=headers)
        for name in ("web", "keeping")
        for target in ("/x/../y", "//x", "/admin", "/admin/./x", "/admin//x", "/admin/x/../y")
        for headers in ((), (SIGNED,))
    ),
    *(Sample("web", "paths.test", target) for target in ("/x/../admin", "//admin", "/admin/../x")),
    *(
        Sample("keeping", host, target, headers=(SIGNED,), departure=OTHER_PATH)
        for host, target in (
            ("paths.test", "/x/../admin"),
            ("paths.test", "//admin"),
            ("paths.test", "/x/%2E./admin/y"),
            ("paths.test", "/admin/../x"),
            ("only.test", "/admin/../open/x"),
            ("only.test", "/open/../admin"),
        )
    ),
    *(
        Sample(name, host, target)
        for name in ("web", "encoding", "keeping")
        for host, target in (
            ("query.test", "/?a=b"),
            ("query.test", "/?a=c;d"),
            ("query.test", "/a;b?a=b"),
        )
    ),
    *(
        Sample(name, host, target, departure="" if name == "encoding" else SEMICOLONS)
        for name in ("web", "encoding", "keeping")
        for host, target in (
            ("plain.test", "/a;b?c;d=;;e"),
            ("plain.test", "/?a%3Bb;"),
            ("query.test", "/?x;a=b"),
            ("query.test", "/?a=b;c"),
        )
    ),
    *(Sample("small", headers=(("X-Long", "x" * length),)) for length in (10, 1500, 7000)),
    Sample(
        "small",
        headers=(("X-Long", "x" * 3000),),
        departure="Traefik reads 4096 bytes more than it is allowed",
    ),
    Sample("web", headers=(("X-Long", "x" * 7000),)),
    *(
        Sample(name, host, target, headers=headers)
        for name in ("noslash", "noothers")
        for host, target in (
            ("plain.test", "/a%2Fb"),
            ("plain.test", "/a/%2e%2E/b?%2F"),
            ("plain.test", "/a%3Bb"),
            ("plain.test", "/a%23b"),
            ("nobody.test", "/a%2Fb"),
            ("nobody.test", "/a%23b"),
        )
        for headers in ((), (SIGNED,))
    ),
    *(Sample("noothers", path=target) for target in ("/a%25b", "/a;b", "/a?%25%23", "/%5C%00%3F", "/%3b")),
    Sample("noslash", path="/a%2fb"),
    Sample("noothers", path="/a%2fb", departure=LOWER_CASE),
    *(Sample(name, headers=(("X_User", "root"), ("X-Other", "a_b"))) for name in ("web", "reject", "delete")),
    Sample("reject", headers=(("X-Other", "a_b"),)),
    *(Sample(name, host) for name in ("explicit", "web") for host in ("plain.test", "named.test")),
    *(
        Sample(name, headers=headers)
        for name in ("web", "trusting", "unappended", "trustingunappended")
        for headers in ((), (("X-Forwarded-For", "1.2.3.4, 5.6.7.8"), ("X-Forwarded-Proto", "http")))
    ),
    *(
        Sample(name, host, path, method, headers)
        for name, path in (("guarded", "/ping"), ("guarded", "/ping?a"), ("guardedmoved", "/metrics"))
        for host in ("plain.test", "nobody.test")
        for method in ("GET", "HEAD")
        for headers in ((), (SIGNED,))
    ),
    Sample("web", path="/ping"),
    Sample("web", path="/metrics"),
    *(
        Sample("guarded", path=path, headers=(SIGNED,), departure="only the path itself is /ping")
        for path in ("/ping/x", "/pingx")
    ),
]


class Outcome(NamedTuple):
    """What the client gets, without the texts of errors, and what the origin gets.

    That is the target, with the user, a header with an underscore, and X-Forwarded-For.
    """

    status: int
    location: str
    received: tuple[tuple[str | None, ...], ...]


class Candidate(NamedTuple):
    """A running proxy: the ports of its entry points, and the origin of its routers."""

    ports: dict[str, int]
    origin: Origin

    def outcome(self, sample: Sample) -> Outcome:
        before = len(self.origin.requests)
        response = http.request(
            self.ports[sample.entry_point],
            sample.host,
            sample.path,
            method=sample.method,
            headers=sample.headers,
        )
        location = (response.header("Location") or "").replace(f":{self.ports['secure']}/", ":SECURE/")
        received = tuple(
            (request.target, *map(request.header, ("X-User", "X_User", "X-Forwarded-For")))
            for request in self.origin.requests[before:]
        )
        return Outcome(response.status, location, received)


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        certificate = write_certificate(directory / "c.pem")
        processes = Processes()
        stack.callback(processes.stop)
        found: list[Candidate] = []
        for proxy in ("rondpoint", "traefik"):
            origin = stack.enter_context(Origin.named("a"))
            routes = directory / f"{proxy}.yml"
            routes.write_text(yaml.safe_dump({"http": routes_to(origin)}))
            ports = {name: free_port() for name in (*OPTIONS, "secure", "explicit")}
            flags = [f"--providers.file.filename={routes}"]
            flags += [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
            flags += [f"--entryPoints.{name}.{flag}" for name, given in OPTIONS.items() for flag in given]
            # Routers that name no entry point do not use the entry point `explicit`.
            flags += [f"--entryPoints.{name}.asDefault=true" for name in ("web", *OPTIONS)]
            flags += ["--ping.entryPoint=guarded", "--metrics.prometheus.entryPoint=guardedmoved"]
            if proxy == "traefik":
                running = start_traefik(processes, *flags)
            else:
                flags += [f"--entryPoints.secure.tls.certificates={certificate},{certificate}"]
                flags += ["--providers.docker=false", "--workers=1"]
                running = start(processes, *flags, directory=directory)
            web = running.web
            until(lambda web=web: http.request(web, "plain.test").status == 200, f"routes of {proxy}")
            found.append(Candidate({**ports, "web": web}, origin))
        yield found[0], found[1]


def routes_to(origin: Origin) -> dict[str, Any]:
    routers = {name: {**router, "service": "s"} for name, router in ROUTES["routers"].items()}
    servers = {"s": {"loadBalancer": {"servers": [{"url": origin.url}]}}}
    return {**ROUTES, "routers": routers, "services": servers}


@pytest.mark.parametrize("sample", REQUESTS, ids=lambda each: "-".join(map(str, each[:4])))
def test_both_apply_the_options_alike(sample: Sample, candidates: tuple[Candidate, Candidate]) -> None:
    ours, theirs = (candidate.outcome(sample) for candidate in candidates)
    if sample.departure:
        assert ours != theirs, f"Rondpoint no longer departs from Traefik: {sample.departure}"
    else:
        assert ours == theirs


@pytest.mark.parametrize(("entry_point", "count"), [("web", 4), ("brief", 3), ("short", 1)])
def test_both_close_connections_alike(
    entry_point: str, count: int, candidates: tuple[Candidate, Candidate]
) -> None:
    for candidate in candidates:
        with Client(candidate.ports[entry_point]) as client:
            found = []
            for _ in range(count):
                client.send(b"GET / HTTP/1.1\r\nHost: plain.test\r\n\r\n")
                found.append(client.answer().header("Connection"))
            closed = "close" if entry_point != "web" else None
            assert found == [*([None] * (count - 1)), closed]
            assert entry_point == "web" or client.ended()
