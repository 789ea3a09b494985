"""Sticky services on the wire: the cookie, and the servers of requests with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from proxy.balancing.sticky_cookie import cookie_value
from rondpoint.model import ServerState, StickyCookie
from tests.lab import http
from tests.lab.origin import Start, http_response
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.wire.client import Client


@pytest.fixture
def host(proxy: Proxy, origin: Start) -> Iterator[str]:
    """A sticky service with the servers s0, s1 and s2, which respond with their names."""
    host = proxy.route(*(origin(http_response(f"s{number}".encode())) for number in range(3)))
    proxy.tune(host, sticky=StickyCookie("stay", http_only=True))
    yield host


def service_of(host: str) -> str:
    return host.removesuffix(".test")


def send(proxy: Proxy, host: str, cookie: str = "") -> http.Response:
    response = http.request(proxy.web, host, headers={"Cookie": cookie} if cookie else {})
    assert response.status == 200, response
    return response


def cookies(response: http.Response) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "set-cookie"]


def test_the_first_response_sets_a_cookie_that_keeps_the_client(proxy: Proxy, host: str) -> None:
    first = send(proxy, host)
    (cookie,) = cookies(first)
    assert cookie == f"stay={cookie_value(service_of(host), first.text)}; Path=/; HttpOnly"
    for _ in range(6):
        again = send(proxy, host, f"other=1; {cookie.partition(';')[0]}")
        assert (again.text, cookies(again)) == (first.text, [])


def test_clients_without_a_cookie_are_balanced(proxy: Proxy, host: str) -> None:
    assert {send(proxy, host).text for _ in range(9)} == {"s0", "s1", "s2"}


def test_the_server_gets_the_cookie_too(proxy: Proxy, origin: Start) -> None:
    seen = origin(http_response(b"x"))
    host = proxy.route(seen)
    proxy.tune(host, sticky=StickyCookie())
    cookie = f"a=b; {StickyCookie().name_for(service_of(host))}={cookie_value(service_of(host), 's0')}"
    assert cookies(send(proxy, host, cookie)) == []
    assert seen.requests[-1].header("Cookie") == cookie


def test_a_server_s_own_cookies_remain_and_equal_heads_are_not_mixed_up(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    host = proxy.route(origin(http_response(b"x", headers=("Set-Cookie: own=1",))))
    proxy.tune(host, sticky=StickyCookie("stay"))
    mine = f"stay={cookie_value(service_of(host), 's0')}"
    for _ in range(3):
        # The same connections on both sides, so that heads repeat.
        client.send(http.message(host))
        assert client.answer().head.count(b"\r\nSet-Cookie: ") == 2
        client.send(http.message(host, headers={"Cookie": mine}))
        assert client.answer().head.count(b"\r\nSet-Cookie: ") == 1


def test_a_cookie_is_set_only_in_its_own_response(
    proxy: Proxy, client: Client, origin: Start, host: str
) -> None:
    plain = proxy.route(origin(http_response(b"x")))
    client.send(http.message(host))
    assert client.answer().header("Set-Cookie")
    client.send(http.message(plain))
    assert client.answer().header("Set-Cookie") is None


@pytest.mark.parametrize("value", ["0123456789abcdef", "nonsense", "http://10.0.0.1:80"])
def test_an_unknown_value_is_replaced(proxy: Proxy, host: str, value: str) -> None:
    response = send(proxy, host, f"stay={value}")
    assert cookies(response) == [f"stay={cookie_value(service_of(host), response.text)}; Path=/; HttpOnly"]


def test_a_removed_server_and_its_cookie_are_replaced(proxy: Proxy, host: str) -> None:
    name = service_of(host)
    cookie = f"stay={cookie_value(name, 's0')}"
    assert send(proxy, host, cookie).text == "s0"
    proxy.tune(host, servers=proxy.services[name].servers[1:])
    response = send(proxy, host, cookie)
    assert response.text in {"s1", "s2"}
    assert cookies(response) == [f"stay={cookie_value(name, response.text)}; Path=/; HttpOnly"]


def test_an_unreachable_server_and_its_cookie_are_replaced(proxy: Proxy, host: str) -> None:
    name = service_of(host)
    first, *others = proxy.services[name].servers
    proxy.tune(host, servers=(replace(first, port=free_port()), *others))
    response = send(proxy, host, f"stay={cookie_value(name, 's0')}")
    assert response.text in {"s1", "s2"}
    assert cookies(response) == [f"stay={cookie_value(name, response.text)}; Path=/; HttpOnly"]


def test_a_draining_server_keeps_its_clients(proxy: Proxy, host: str) -> None:
    name = service_of(host)
    first, *others = proxy.services[name].servers
    proxy.tune(host, servers=(replace(first, state=ServerState.DRAINING), *others))
    kept = send(proxy, host, f"stay={cookie_value(name, 's0')}")
    assert (kept.text, cookies(kept)) == ("s0", [])
    assert {send(proxy, host).text for _ in range(6)} == {"s1", "s2"}


def test_an_error_response_of_the_proxy_sets_no_cookie(proxy: Proxy) -> None:
    host = proxy.route(free_port())
    proxy.tune(host, sticky=StickyCookie("stay"))
    response = http.request(proxy.web, host)
    assert (response.status, cookies(response)) == (502, [])


def test_another_or_restarted_instance_keeps_the_client(
    short_path: Path, store: Store, origin: Start
) -> None:
    origins = [origin(http_response(f"s{number}".encode())) for number in range(3)]
    chosen = []
    cookie = ""
    for run in ("one", "two"):
        directory = short_path / run
        directory.mkdir()
        with running_proxy(directory, store) as proxy:
            host = proxy.route(*origins)
            proxy.tune(host, sticky=StickyCookie("stay"))
            response = send(proxy, host, cookie)
            chosen.append(response.text)
            if not cookie:
                cookie = cookies(response)[0].partition(";")[0]
            chosen += [send(proxy, host, cookie).text for _ in range(4)]
    assert len(set(chosen)) == 1, chosen
