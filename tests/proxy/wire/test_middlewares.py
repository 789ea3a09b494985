"""Routers with middlewares on the wire: the server's request and the client's response."""

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Origin, Start
from tests.proxy.running import Proxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def served(proxy: Proxy, seen: Origin, *middlewares: Middleware) -> str:
    """Return the host of a router with these middlewares, in this order."""
    proxy.middlewares.update((middleware.name, middleware) for middleware in middlewares)
    return proxy.route(seen, middlewares=tuple(middleware.name for middleware in middlewares))


def test_the_server_gets_the_changed_path(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    strip = Middleware("strip@x", "stripPrefix", {"prefixes": ["/api"]})
    add = Middleware("add@x", "addPrefix", {"prefix": "/v1"})
    host = served(proxy, seen, strip, add)
    headers = [("X-Forwarded-Prefix", "/mine"), ("Accept", "x")]
    assert http.request(proxy.web, host, "/%61pi/a%2Fb?c=/d", headers=headers).status == 200
    request = seen.requests[-1]
    assert request.target == "/v1/a%2Fb?c=/d"
    assert request.all("X-Forwarded-Prefix") == ["/%61pi"]
    assert request.header("Accept") == "x"


def test_a_changed_middleware_is_in_force_for_the_next_request(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, Middleware("m@x", "addPrefix", {"prefix": "/a"}))
    assert proxy.status(host, "/x") == 200
    proxy.middlewares["m@x"] = Middleware("m@x", "replacePath", {"path": "/b"})
    proxy.publish()
    assert proxy.status(host, "/x") == 200
    assert [request.target for request in seen.requests] == ["/a/x", "/b"]
    assert seen.requests[-1].header("X-Replaced-Path") == "/x"


@pytest.mark.parametrize(
    ("middleware", "reason"),
    [
        (Middleware("m@x", "basicAuth", {"users": ["a:b"]}), "kind basicAuth, which is not served yet"),
        (Middleware("m@x", "addPrefix", {}, unusable=True), "could not be read"),
        (Middleware("m@x", "chain", {"middlewares": ["m@x"]}), "a part of itself"),
    ],
)
def test_a_middleware_that_cannot_be_performed_gives_503_and_no_server_is_tried(
    proxy: Proxy, origin: Start, middleware: Middleware, reason: str
) -> None:
    seen = origin(OK)
    response = http.request(proxy.web, served(proxy, seen, middleware))
    assert (response.status, reason in response.text) == (503, True)
    assert not seen.requests


def test_a_path_that_would_leave_its_prefix_is_refused(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, Middleware("m@x", "stripPrefix", {"prefixes": ["/a"]}))
    assert proxy.status(host, "/a../secret") == 400
    assert not seen.requests


def test_a_path_with_an_encoded_character_is_refused(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, Middleware("m@x", "encodedCharacters", {"allowEncodedHash": True}))
    response = http.request(proxy.web, host, "/a%2Fb")
    assert (response.status, "encoded character %2F" in response.text) == (400, True)
    assert proxy.status(host, "/a%23b?%2F") == 200
    assert [request.target for request in seen.requests] == ["/a%23b?%2F"]
