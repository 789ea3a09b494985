"""Middlewares that admit clients by address or by password, on the wire."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError
from urllib.request import HTTPDigestAuthHandler, HTTPPasswordMgrWithDefaultRealm, Request, build_opener

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Origin, Start
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

# The hash of "test" with a cost of 10, which takes some dozens of milliseconds.
BCRYPT = "$2b$10$c68xMB3wZ4dftjicO8gXEeEmHuAMa1EHlxTIBiACvGL/930l2siw."
SHA1 = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="


def served(proxy: Proxy, seen: Origin, guard: Middleware) -> str:
    """Return the host of a router with this middleware."""
    proxy.middlewares[guard.name] = guard
    return proxy.route(seen, middlewares=(guard.name,))


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


def test_a_client_of_another_author_authenticates_by_digest(proxy: Proxy, origin: Start) -> None:
    secret = md5(b"eve:the office:test").hexdigest()
    guard = Middleware(
        "guard@x",
        "digestAuth",
        {"users": [f"eve:the office:{secret}"], "realm": "the office", "removeHeader": True},
    )
    seen = origin(OK)
    host = served(proxy, seen, guard)
    for password, statuses in (("test", [200, 200]), ("wrong", [401])):
        passwords = HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password("the office", f"http://127.0.0.1:{proxy.web}/", "eve", password)
        opener = build_opener(HTTPDigestAuthHandler(passwords))
        for status in statuses:
            url = f"http://127.0.0.1:{proxy.web}/a%20b?c={status}"
            try:
                with opener.open(Request(url, headers={"Host": host}), timeout=30) as response:
                    assert response.status == status
            except HTTPError as error:
                with error:
                    assert error.status == status
    assert [request.target for request in seen.requests] == ["/a%20b?c=200"] * 2
    assert {request.header("Authorization") for request in seen.requests} == {None}


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
