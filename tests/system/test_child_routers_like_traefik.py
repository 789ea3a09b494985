"""Traefik 3 and Rondpoint lead the same requests through the same parent and child routers.

Both read one file. Each service has an origin that responds with the service's name.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin, Request, http_response
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system.authentication_server import ADDRESS, respond

USERS = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SIGNED = ("Authorization", "Basic " + b64encode(b"test:test").decode())

ROUTERS: dict[str, dict[str, Any]] = {
    "ready": {"rule": "Host(`ready.test`)", "service": "one"},
    # Children choose by the user that an authentication server names.
    "auth": {"rule": "Host(`auth.test`)", "middlewares": ["allow"]},
    "auth-eve": {"rule": "Header(`X-User`, `eve`)", "service": "one", "parentRefs": ["auth"]},
    "auth-any": {"rule": "PathPrefix(`/`)", "service": "two", "parentRefs": ["auth"]},
    "denied": {"rule": "Host(`denied.test`)", "middlewares": ["deny"]},
    "denied-any": {"rule": "PathPrefix(`/`)", "service": "one", "parentRefs": ["denied"]},
    "signed": {"rule": "Host(`signed.test`)", "middlewares": ["password"]},
    "signed-test": {"rule": "Header(`X-User`, `test`)", "service": "one", "parentRefs": ["signed"]},
    # Children choose by the changed path, host, method, query and headers.
    "path": {"rule": "Host(`path.test`)", "middlewares": ["strip"]},
    "path-v1": {"rule": "Path(`/v1`)", "service": "one", "parentRefs": ["path"]},
    "path-v2": {
        "rule": "PathPrefix(`/v2`)",
        "service": "two",
        "parentRefs": ["path"],
        "middlewares": ["add"],
    },
    "host": {"rule": "Host(`host.test`)", "middlewares": ["rehost"]},
    "host-before": {"rule": "Host(`host.test`)", "service": "one", "parentRefs": ["host"]},
    "host-after": {"rule": "Host(`inner.test`)", "service": "two", "parentRefs": ["host"]},
    "kinds": {"rule": "Host(`kinds.test`)", "middlewares": ["role"]},
    "kinds-post": {"rule": "Method(`POST`)", "service": "one", "parentRefs": ["kinds"]},
    "kinds-query": {"rule": "Query(`a`, `b`)", "service": "two", "parentRefs": ["kinds"]},
    "kinds-role": {
        "rule": "Header(`X-Role`, `user`) && Path(`/role`)",
        "service": "three",
        "parentRefs": ["kinds"],
    },
    "kinds-client": {
        "rule": "ClientIP(`127.0.0.1`) && Path(`/ip`)",
        "service": "one",
        "parentRefs": ["kinds"],
    },
    # Priorities among children, whatever those of others are.
    "order": {"rule": "Host(`order.test`)"},
    "order-long": {
        "rule": "PathPrefix(`/a`) || PathPrefix(`/abc`)",
        "service": "one",
        "parentRefs": ["order"],
    },
    "order-first": {"rule": "Path(`/abc`)", "service": "two", "priority": 1000, "parentRefs": ["order"]},
    "order-rest": {"rule": "PathPrefix(`/`)", "service": "three", "priority": 1, "parentRefs": ["order"]},
    # The parent is chosen before its children are asked, and there is no way back.
    "narrow": {"rule": "Host(`back.test`) && PathPrefix(`/x`)"},
    "narrow-child": {"rule": "Path(`/x/inner`)", "service": "one", "parentRefs": ["narrow"]},
    "wide": {"rule": "Host(`back.test`)", "service": "two"},
    # Three layers, and a child with two parents.
    "deep": {"rule": "Host(`deep.test`)", "middlewares": ["role"]},
    "deep-user": {"rule": "Header(`X-Role`, `user`)", "parentRefs": ["deep"], "middlewares": ["strip"]},
    "deep-leaf": {
        "rule": "Path(`/leaf`)",
        "service": "one",
        "parentRefs": ["deep-user"],
        "middlewares": ["add"],
    },
    "both-one": {"rule": "Host(`both.test`)", "middlewares": ["role"]},
    "both-two": {"rule": "Host(`both2.test`)"},
    "both-user": {
        "rule": "Header(`X-Role`, `user`)",
        "service": "one",
        "parentRefs": ["both-one", "both-two"],
    },
    "both-rest": {"rule": "Path(`/rest`)", "service": "two", "parentRefs": ["both-one", "both-two"]},
    # The other entry point, and names of one's own provider with its suffix.
    "elsewhere": {"rule": "Host(`elsewhere.test`)", "entryPoints": ["other"]},
    "elsewhere-child": {"rule": "PathPrefix(`/`)", "service": "one", "parentRefs": ["elsewhere@file"]},
    # What a child router would match is nothing to an entry point.
    # The entry point `guarded` has middlewares for all its routers; they run once, before those of the root.
    "point": {"rule": "Host(`point.test`)", "entryPoints": ["web", "guarded"], "middlewares": ["strip"]},
    "point-added": {"rule": "PathPrefix(`/added`)", "service": "one", "parentRefs": ["point"]},
    "point-rest": {"rule": "PathPrefix(`/`)", "service": "two", "parentRefs": ["point"], "priority": 1},
    "model": {"rule": "Host(`model.test`)", "service": "one"},
    "inner": {"rule": "Host(`outer.test`)"},
    "inner-child": {
        "rule": "Host(`inner-only.test`) || Path(`/in`)",
        "service": "one",
        "parentRefs": ["inner"],
    },
    # Faults.
    "lonely": {"rule": "Host(`lonely.test`)"},
    "orphan": {"rule": "Host(`orphan.test`)", "service": "one", "parentRefs": ["nobody"]},
    "half": {"rule": "Host(`half.test`)"},
    "half-child": {"rule": "PathPrefix(`/`)", "service": "one", "parentRefs": ["half", "nobody"]},
    "circle": {"rule": "Host(`circle.test`)"},
    "circle-a": {"rule": "PathPrefix(`/`)", "parentRefs": ["circle", "circle-b"]},
    "circle-b": {"rule": "PathPrefix(`/b`)", "parentRefs": ["circle-a"]},
    "circle-way": {"rule": "Path(`/way`)", "service": "one", "parentRefs": ["circle-a"]},
    "served": {"rule": "Host(`served.test`)", "service": "one"},
    "served-child": {"rule": "Path(`/child`)", "service": "two", "parentRefs": ["served"]},
    "tls": {"rule": "Host(`tls.test`)"},
    "tls-child": {"rule": "Path(`/tls`)", "service": "one", "parentRefs": ["tls"], "tls": {}},
    "tls-point": {"rule": "Path(`/point`)", "service": "one", "parentRefs": ["tls"], "entryPoints": ["web"]},
    "tls-metrics": {
        "rule": "Path(`/metrics`)",
        "service": "one",
        "parentRefs": ["tls"],
        "observability": {"metrics": False},
    },
    "tls-plain": {"rule": "Path(`/plain`)", "service": "two", "parentRefs": ["tls"]},
    "broken": {"rule": "Host(`broken.test`)"},
    "broken-child": {"rule": "Path(`/broken`)", "service": "nothing", "parentRefs": ["broken"]},
    "broken-fine": {"rule": "PathPrefix(`/`)", "service": "two", "priority": 1, "parentRefs": ["broken"]},
}

MIDDLEWARES: dict[str, Any] = {
    "allow": {"forwardAuth": {"address": f"{ADDRESS}/allow", "authResponseHeaders": ["X-User"]}},
    "deny": {"forwardAuth": {"address": f"{ADDRESS}/deny"}},
    "password": {"basicAuth": {"users": [USERS], "headerField": "X-User"}},
    "strip": {"stripPrefix": {"prefixes": ["/api"]}},
    "add": {"addPrefix": {"prefix": "/added"}},
    "rehost": {"headers": {"customRequestHeaders": {"Host": "inner.test"}}},
    "role": {"headers": {"customRequestHeaders": {"X-Role": "user"}}},
}

MODELS: dict[str, Any] = {"web": {"middlewares": ["deny"]}, "other": {"middlewares": ["deny"]}}
"""Models in a file have no effect: only those of the provider `internal` do, which nobody can write."""

SERVICES = ("one", "two", "three")


class Sample(NamedTuple):
    """A request; Rondpoint departs from Traefik for the reason `departure`, if there is one."""

    host: str
    path: str = "/"
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    entry_point: str = "web"
    departure: str = ""


REQUESTS = [
    Sample("auth.test"),
    Sample("auth.test", "/x", headers=(("X-User", "mallory"),)),
    Sample("auth.test", "/x", "POST"),
    Sample("denied.test"),
    Sample("signed.test"),
    Sample("signed.test", "/x?y", headers=(SIGNED,)),
    Sample("signed.test", headers=(SIGNED, ("X-User", "other"))),
    Sample("path.test", "/api/v1"),
    Sample("path.test", "/v1"),
    Sample(
        "path.test",
        "/api/%761",
        departure="servers get the bytes of the target as sent; Traefik decodes what it strips a prefix from",
    ),
    Sample("path.test", "/api/v2/x?q=1"),
    Sample("path.test", "/api/v3"),
    Sample("host.test"),
    Sample("inner.test"),
    Sample("kinds.test", "/", "POST"),
    Sample("kinds.test", "/?a=b"),
    Sample("kinds.test", "/?a=c"),
    Sample("kinds.test", "/role"),
    Sample("kinds.test", "/role", headers=(("X-Role", "admin"),)),
    Sample("kinds.test", "/ip"),
    Sample("kinds.test", "/", "HEAD"),
    *(Sample("order.test", path) for path in ("/", "/a", "/abc", "/abcd", "/b")),
    *(Sample("back.test", path) for path in ("/", "/x", "/x/inner", "/y")),
    *(Sample("deep.test", path) for path in ("/api/leaf", "/leaf", "/api/x")),
    *(Sample(host, path) for host in ("both.test", "both2.test") for path in ("/", "/rest")),
    Sample("both2.test", headers=(("X-Role", "user"),)),
    Sample("elsewhere.test"),
    Sample("elsewhere.test", entry_point="other"),
    *(Sample(host, path) for host in ("outer.test", "inner-only.test") for path in ("/", "/in")),
    *(
        Sample("point.test", path, entry_point=entry_point)
        for entry_point in ("web", "guarded", "other")
        for path in ("/x", "/added/x", "/api/x")
    ),
    Sample("point.test", "/x", "POST", entry_point="guarded"),
    Sample("model.test"),
    Sample("model.test", entry_point="other"),
    Sample("lonely.test"),
    Sample("orphan.test"),
    # Without an entry point that has options, Traefik drops a router for one unknown parent.
    Sample("half.test"),
    *(Sample("circle.test", path) for path in ("/", "/b", "/way")),
    *(
        Sample("served.test", path, departure="a router keeps its service; Traefik serves only its children")
        for path in ("/", "/child")
    ),
    *(Sample("tls.test", path) for path in ("/tls", "/point", "/metrics", "/plain")),
    *(Sample("broken.test", path) for path in ("/broken", "/x")),
]


class Outcome(NamedTuple):
    """The status, and the server's name with the target, user and role that it got."""

    status: int
    server: str
    target: str = ""
    lines: tuple[str | None, ...] = ()


class Scene(NamedTuple):
    """Both proxies, with the ports of their entry points, and the origins by service."""

    ours: tuple[Installation, Mapping[str, int]]
    theirs: tuple[Installation, Mapping[str, int]]
    origins: Mapping[str, Origin]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        origins = {each: stack.enter_context(Origin(http_response(each.encode()))) for each in SERVICES}
        authentication = stack.enter_context(Origin(respond))
        services = {
            each: {"loadBalancer": {"servers": [{"url": origin.url}]}} for each, origin in origins.items()
        }
        content = {
            "http": {"routers": ROUTERS, "services": services, "middlewares": MIDDLEWARES, "models": MODELS}
        }
        routes = directory / "routes.yml"
        routes.write_text(yaml.safe_dump(content).replace(ADDRESS, authentication.url))
        processes = Processes()
        stack.callback(processes.stop)
        flags = (
            f"--providers.file.filename={routes}",
            "--entryPoints.web.asDefault=true",
            "--entryPoints.guarded.http.middlewares=add@file",
        )
        ports = [{name: free_port() for name in ("other", "guarded")} for _ in range(2)]
        addresses = [
            [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in each.items()]
            for each in ports
        ]
        ours = start(
            processes,
            *flags,
            *addresses[0],
            "--providers.docker=false",
            "--workers=1",
            directory=directory,
        )
        theirs = start_traefik(processes, *flags, *addresses[1])
        ours.wait_for("ready.test")
        until(lambda: theirs.request("ready.test").status == 200, "Traefik's routes")
        yield Scene(
            (ours, {"web": ours.web, **ports[0]}),
            (theirs, {"web": theirs.web, **ports[1]}),
            origins,
        )


def outcome(
    proxy: tuple[Installation, Mapping[str, int]], sample: Sample, origins: Mapping[str, Origin]
) -> Outcome:
    before = {name: len(origin.requests) for name, origin in origins.items()}
    response = http.request(
        proxy[1][sample.entry_point],
        sample.host,
        sample.path,
        method=sample.method,
        headers=list(sample.headers),
    )
    asked: dict[str, list[Request]] = {
        name: origin.requests[before[name] :] for name, origin in origins.items()
    }
    ((server, request),) = [(name, each) for name, found in asked.items() for each in found] or [("", None)]
    if request is None:
        return Outcome(response.status, "")
    lines = tuple(request.header(name) for name in ("Host", "X-User", "X-Role", "X-Forwarded-Prefix"))
    return Outcome(response.status, server, request.target, lines)


@pytest.mark.parametrize(
    "sample", REQUESTS, ids=lambda each: f"{each.method} {each.host}{each.path} {each.headers}"
)
def test_both_lead_requests_alike(sample: Sample, scene: Scene) -> None:
    mine, other = (outcome(proxy, sample, scene.origins) for proxy in (scene.ours, scene.theirs))
    if sample.departure:
        assert mine != other, f"Rondpoint no longer departs from Traefik: {sample.departure}"
    else:
        assert mine == other
