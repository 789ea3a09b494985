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
        (
            Middleware("m@x", "later", {}),
            "kind later, which is not served yet",
        ),
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


def test_headers_of_request_and_response_change(proxy: Proxy, origin: Start) -> None:
    seen = origin(b"HTTP/1.1 200 OK\r\nServer: x\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
    options = {
        "customRequestHeaders": {"X-A": "new", "Accept": "", "Host": "inner.test", "X-Forwarded-For": ""},
        "customResponseHeaders": {"Server": "", "X-B": "caf\u00e9"},
        "frameDeny": True,
    }
    host = served(proxy, seen, Middleware("m@x", "headers", options))
    response = http.request(proxy.web, host, headers=[("x-a", "old"), ("Accept", "*/*")])
    request = seen.requests[-1]
    assert (request.all("X-A"), request.all("Accept"), request.all("Host")) == (["new"], [], ["inner.test"])
    assert (request.all("X-Forwarded-For"), request.header("X-Forwarded-Host")) == ([], host)
    lines = dict(response.headers)
    assert (lines["X-Frame-Options"], lines["X-B"], lines["Set-Cookie"]) == ("DENY", "caf\xc3\xa9", "a=b")
    assert "Server" not in lines


def test_a_preflight_gets_its_response_from_the_proxy(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    options = {"accessControlAllowOriginList": ["https://a"], "accessControlAllowMethods": ["PUT"]}
    host = served(proxy, seen, Middleware("m@x", "headers", options))
    headers = [("Origin", "https://a"), ("Access-Control-Request-Method", "PUT")]
    response = http.request(proxy.web, host, method="OPTIONS", headers=headers)
    lines = dict(response.headers)
    assert (response.status, response.body, lines["Content-Length"]) == (200, b"", "0")
    assert lines["Access-Control-Allow-Origin"] == "https://a"
    assert lines["Access-Control-Allow-Methods"] == "PUT"
    assert not seen.requests


def test_custom_headers_are_in_the_proxys_own_errors(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    options = {"allowedHosts": ["inner.test"], "customResponseHeaders": {"X-A": "b", "Date": ""}}
    response = http.request(proxy.web, served(proxy, seen, Middleware("m@x", "headers", options)))
    lines = dict(response.headers)
    assert (response.status, lines["X-A"], "Date" in lines) == (500, "b", False)
    assert not seen.requests


def test_a_header_that_frames_messages_closes_the_router(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    options = {"customRequestHeaders": {"Transfer-Encoding": "chunked"}}
    response = http.request(proxy.web, served(proxy, seen, Middleware("m@x", "headers", options)))
    assert (response.status, "expected no Transfer-Encoding" in response.text) == (503, True)
    assert not seen.requests


@pytest.mark.parametrize(
    ("method", "body", "status"), [("GET", b"", 302), ("HEAD", b"", 307), ("POST", b"content", 307)]
)
def test_a_redirection_reaches_the_client_and_no_server(
    proxy: Proxy, origin: Start, method: str, body: bytes, status: int
) -> None:
    seen = origin(OK)
    host = served(proxy, seen, Middleware("m@x", "redirectScheme", {"scheme": "https", "port": "8443"}))
    response = http.request(proxy.web, f"{host}:80", "/x?q=1", method=method, body=body)
    assert (response.status, response.header("Location")) == (status, f"https://{host}:8443/x?q=1")
    assert response.text == ("" if method == "HEAD" else {302: "Found", 307: "Temporary Redirect"}[status])
    assert not seen.requests


def test_a_connection_stays_open_after_a_redirection(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    options = {"regex": "^http://([^/]+)/old/(.*)", "replacement": "http://$1/new/$2", "permanent": True}
    host = served(proxy, seen, Middleware("m@x", "redirectRegex", options))
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, "/old/x", method="PUT", body=b"content"))
        response = http.read_response(connection)
        assert (response.status, response.header("Location")) == (308, f"http://{host}/new/x")
        connection.sendall(http.message(host, "/new/x"))
        assert http.read_response(connection).status == 200
    assert [request.target for request in seen.requests] == ["/new/x"]


def test_only_a_trusted_client_says_which_scheme_it_used(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    host = served(proxy, seen, Middleware("m@x", "redirectScheme", {"scheme": "https"}))
    response = http.request(proxy.web, host, headers=[("X-Forwarded-Proto", "https")])
    assert (response.status, response.header("Location")) == (302, f"https://{host}/")
