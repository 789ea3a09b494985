"""Routers with middlewares on the wire: the server's request and the client's response."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Origin, Start
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

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
            Middleware("m@x", "forwardAuth", {"address": "http://a"}),
            "kind forwardAuth, which is not served yet",
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


# The hash of "test" with a cost of 10, which takes some dozens of milliseconds.
BCRYPT = "$2b$10$c68xMB3wZ4dftjicO8gXEeEmHuAMa1EHlxTIBiACvGL/930l2siw."
SHA1 = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="


def signed(user: str, password: str = "test") -> list[tuple[str, str]]:
    return [("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())]


def test_addresses_outside_the_list_are_refused(proxy: Proxy, origin: Start) -> None:
    seen = origin(OK)
    guard = Middleware("guard@x", "ipAllowList", {"sourceRange": ["192.0.2.0/24"], "rejectStatusCode": 499})
    host = served(proxy, seen, guard)
    assert http.request(proxy.web, host, headers=[("X-Forwarded-For", "192.0.2.1")]).status == 499
    proxy.middlewares["guard@x"] = Middleware("guard@x", "ipAllowList", {"sourceRange": ["127.0.0.1/32"]})
    proxy.publish()
    assert proxy.status(host) == 200
    assert len(seen.requests) == 1


def test_a_connection_survives_a_refusal(proxy: Proxy, origin: Start, client: Client) -> None:
    host = served(proxy, origin(OK), Middleware("guard@x", "basicAuth", {"users": [f"eve:{SHA1}"]}))
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed("eve"))
    for given, status in (("", 401), (lines, 200), ("", 401)):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n{given}\r\nhi".encode())
        assert client.answer().status == status


def test_a_burst_of_one_user_compares_one_password_and_others_are_served_meanwhile(
    proxy: Proxy, origin: Start
) -> None:
    guard = Middleware("guard@x", "basicAuth", {"users": [f"bob:{BCRYPT}"], "headerField": "X-User"})
    seen = origin(OK)
    host = served(proxy, seen, guard)
    with ThreadPoolExecutor(16) as threads:
        sent = monotonic()
        burst = [threads.submit(http.request, proxy.web, host, headers=signed("bob")) for _ in range(64)]
        assert {each.result().status for each in burst} == {200}
        took = monotonic() - sent
        sent = monotonic()
        wrong = [
            threads.submit(http.request, proxy.web, host, headers=signed("bob", f"wrong{number}"))
            for number in range(4)
        ]
        assert {each.result().status for each in wrong} == {401}
        one_comparison = (monotonic() - sent) / 4
    assert {request.header("X-User") for request in seen.requests} == {"bob"}
    # 64 comparisons in two threads on one or two processors would take 32 times as long as one.
    assert took < 24 * one_comparison + 1


def test_users_of_a_file_change_with_it(proxy: Proxy, origin: Start, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"eve:{SHA1}\n")
    host = served(proxy, origin(OK), Middleware("guard@x", "basicAuth", {"usersFile": str(file)}))
    assert http.request(proxy.web, host, headers=signed("eve")).status == 200
    file.write_text(f"ada:{SHA1}\n")
    until(lambda: http.request(proxy.web, host, headers=signed("ada")).status == 200, "the changed file")
    assert http.request(proxy.web, host, headers=signed("eve")).status == 401
    file.unlink()
    until(lambda: "its last users stay in force" in proxy.process.log, "a line about the file")
    assert http.request(proxy.web, host, headers=signed("ada")).status == 200
