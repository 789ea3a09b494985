"""Child routers on the wire: they decide on requests that the middlewares of their parents have changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from rondpoint.model import MAX_ROUTER_LAYERS, Middleware, Router
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.origin import Origin, Start
from tests.lab.waiting import until
from tests.proxy.running import Proxy


def answer(name: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()


def set_header(name: str, value: str) -> Middleware:
    """Return a middleware that sets a request header; it is named after the value."""
    return Middleware(f"{value}@x", "headers", {"customRequestHeaders": {name: value}})


def parent(proxy: Proxy, *middlewares: Middleware) -> str:
    """Add a root router without a service for a new host, and return the host."""
    host = proxy.route(middlewares=use(proxy, *middlewares))
    proxy.routers[name_of(host)] = rewrite(proxy.routers[name_of(host)], service="")
    return host


def use(proxy: Proxy, *middlewares: Middleware) -> tuple[str, ...]:
    proxy.middlewares.update((each.name, each) for each in middlewares)
    return tuple(each.name for each in middlewares)


def rewrite(router: Router, **changes: object) -> Router:
    return replace(router, **changes)


def name_of(host: str) -> str:
    return host.removesuffix(".test")


def child(proxy: Proxy, above: str, rule: str, server: Origin, *middlewares: Middleware) -> str:
    """Serve an origin through a child router of the router of host `above`; return the child's name."""
    host = proxy.route(server, rule=rule, parents=(name_of(above),), middlewares=use(proxy, *middlewares))
    return name_of(host)


def test_children_decide_on_the_headers_that_the_parent_has_set(proxy: Proxy, origin: Start) -> None:
    admin, user = origin(answer("admin")), origin(answer("user"))
    host = parent(proxy, set_header("X-Role", "admin"))
    child(proxy, host, "Header(`X-Role`, `admin`)", admin)
    child(proxy, host, "Header(`X-Role`, `user`)", user)
    assert proxy.get(host) == "admin"
    forged = http.request(proxy.web, host, headers=[("X-Role", "user")])
    assert forged.text == "admin"
    assert not user.requests


def test_children_decide_on_the_path_that_the_parent_has_changed(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("inner"))
    host = parent(proxy, Middleware("strip@x", "stripPrefix", {"prefixes": ["/api"]}))
    child(proxy, host, "Path(`/v1`)", server)
    assert proxy.get(host, "/api/v1") == "inner"
    assert proxy.status(host, "/api/v2") == 404
    assert [request.target for request in server.requests] == ["/v1"]


def test_a_child_is_on_no_entry_point_of_its_own(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("inner"))
    host = parent(proxy)
    child(proxy, host, "Host(`elsewhere.test`) || Path(`/inner`)", server)
    assert proxy.status("elsewhere.test", "/inner") == 404
    assert proxy.get(host, "/inner") == "inner"


def test_middlewares_run_from_the_root_down(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("leaf"))
    host = parent(proxy, set_header("X-Layer", "root"))
    middle = child(proxy, host, "Header(`X-Layer`, `root`)", server, set_header("X-Layer", "middle"))
    proxy.routers[middle] = rewrite(proxy.routers[middle], service="")
    child(proxy, f"{middle}.test", "Header(`X-Layer`, `middle`)", server, set_header("X-Layer", "leaf"))
    assert proxy.get(host) == "leaf"
    assert server.requests[-1].all("X-Layer") == ["leaf"]


def test_a_child_may_have_several_parents(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("shared"))
    one, two = parent(proxy, set_header("X-Way", "one")), parent(proxy, set_header("X-Way", "two"))
    name = child(proxy, one, "PathPrefix(`/`)", server)
    proxy.routers[name] = rewrite(proxy.routers[name], parents=(name_of(one), name_of(two)))
    proxy.publish()
    assert (proxy.get(one), proxy.get(two)) == ("shared", "shared")
    assert [request.header("X-Way") for request in server.requests] == ["one", "two"]


@pytest.mark.parametrize("kind", ["redirectScheme", "ipAllowList"])
def test_a_parent_that_responds_itself_asks_no_child(proxy: Proxy, origin: Start, kind: str) -> None:
    server = origin(answer("inner"))
    options = {"redirectScheme": {"scheme": "https"}, "ipAllowList": {"sourceRange": ["192.0.2.1"]}}
    host = parent(proxy, Middleware("m@x", kind, options[kind]))
    child(proxy, host, "PathPrefix(`/`)", server)
    assert proxy.status(host) == {"redirectScheme": 302, "ipAllowList": 403}[kind]
    assert not server.requests


def test_a_guard_that_cannot_be_performed_closes_all_children(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("inner"))
    host = parent(proxy, Middleware("m@x", "later", {}))
    child(proxy, host, "PathPrefix(`/`)", server)
    assert proxy.status(host) == 503
    assert not server.requests


def test_a_guard_of_one_child_leaves_the_others_open(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("inner"))
    host = parent(proxy)
    child(proxy, host, "Path(`/guarded`)", server, Middleware("m@x", "addPrefix", {}, unusable=True))
    child(proxy, host, "Path(`/open`)", server)
    assert (proxy.status(host, "/guarded"), proxy.status(host, "/open")) == (503, 200)
    assert [request.target for request in server.requests] == ["/open"]


def test_children_change_while_their_parent_stays(proxy: Proxy, origin: Start) -> None:
    one, two = origin(answer("one")), origin(answer("two"))
    host = parent(proxy)
    first = child(proxy, host, "PathPrefix(`/`)", one)
    assert proxy.get(host) == "one"
    child(proxy, host, "PathPrefix(`/longer`)", two)
    proxy.routers[first] = rewrite(proxy.routers[first], rule=v3.parse("Path(`/other`)"))
    proxy.publish()
    assert (proxy.get(host, "/longer"), proxy.get(host, "/other")) == ("two", "one")
    del proxy.routers[first]
    proxy.publish()
    assert (proxy.get(host, "/longer"), proxy.status(host, "/other")) == ("two", 404)


def test_a_body_reaches_the_server_of_a_child(proxy: Proxy, origin: Start) -> None:
    server = origin(answer("inner"))
    host = parent(proxy, set_header("X-Role", "admin"))
    child(proxy, host, "Method(`POST`)", server)
    response = http.request(proxy.web, host, "/x", method="POST", body=b"content")
    assert (response.status, server.requests[-1].body) == (200, b"content")


def test_a_circle_in_the_store_ends(proxy: Proxy, origin: Start) -> None:
    """No agent publishes one, but a request must not run for ever if it is there."""
    server = origin(answer("inner"))
    host = parent(proxy)
    name = child(proxy, host, "PathPrefix(`/`)", server)
    parents = (name_of(host), name)
    proxy.routers[name] = rewrite(proxy.routers[name], service="", parents=parents)
    proxy.publish()
    response = http.request(proxy.web, host)
    assert (response.status, f"{MAX_ROUTER_LAYERS} levels" in response.text) == (503, True)


def test_the_admin_entry_point_shows_both_layers(proxy: Proxy, origin: Start) -> None:
    host = parent(proxy, set_header("X-Role", "admin"))
    name = child(proxy, host, "Path(`/x`)", origin(answer("inner")))

    def api(path: str) -> Any:
        return json.loads(http.request(proxy.admin, "localhost", path).body)

    above, below = api(f"/api/http/routers/{name_of(host)}"), api(f"/api/http/routers/{name}")
    assert (above["status"], above["using"], "service" in above) == ("enabled", ["web"], False)
    assert (below["status"], below["parentRefs"], below["service"]) == ("enabled", [name_of(host)], name)
    assert not {"using", "entryPoints"} & set(below)
    explained = api(f"/api/explain?url=http://{host}/x")
    assert (explained["parents"], explained["router"]) == ([name_of(host)], name)
    for shown, stage in ((name_of(host), "Child routers"), (name, "Parent routers")):
        page = http.request(proxy.admin, "localhost", f"/dashboard/?router={shown}").text
        assert stage in page


def test_a_request_is_counted_at_the_last_router_that_it_reached(proxy: Proxy, origin: Start) -> None:
    host = parent(proxy)
    name = child(proxy, host, "Path(`/x`)", origin(answer("inner")))
    for path in ("/x", "/x", "/y"):
        proxy.status(host, path)

    def counts() -> dict[str, int]:
        report = json.loads(http.request(proxy.admin, "localhost", "/api/rawdata").body)
        counted = report["worker"]["metrics"]
        return {
            router: sum(counted[router]["statuses"].values())
            for router in (name, name_of(host))
            if router in counted
        }

    until(lambda: counts() == {name: 2, name_of(host): 1}, "the counts")
