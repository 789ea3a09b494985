"""The cookie of a sticky service: its name, value and attributes, and the member that a request names."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.balancing.sticky_cookie import Stickiness, cookie_value
from proxy.upstream.endpoint import address_of
from rondpoint.model import ServerState, Service, StickyCookie, Strategy
from tests.proxy.balancing.serving import built, request, servers

NAME = "session"
A, B = cookie_value("s", "a"), cookie_value("s", "b")


def sticky(cookie: StickyCookie | None = None) -> Stickiness[str]:
    return Stickiness(cookie or StickyCookie(NAME), "s", (("a", "A"), ("b", "B")))


def test_names_and_values_never_change() -> None:
    # Pinned: sessions must survive an upgrade. The default name is Traefik's.
    assert StickyCookie().name_for("hello@docker") == "_b7b09"
    assert (A, B) == ("4cfd2308ceb4735a", "6b75b146daff034d")


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_a_value_is_opaque_and_differs_between_services(service: str, other: str, member: str) -> None:
    value = cookie_value(service, member)
    assert re.fullmatch("[0-9a-f]{16}", value)
    assert service == other or value != cookie_value(other, member)


@pytest.mark.parametrize(
    ("cookie", "line"),
    [
        (StickyCookie(), f"{StickyCookie().name_for('s')}={A}; Path=/"),
        (StickyCookie(NAME), f"session={A}; Path=/"),
        (StickyCookie(NAME, path="/app"), f"session={A}; Path=/app"),
        (StickyCookie(NAME, path=""), f"session={A}"),
        (StickyCookie(NAME, domain=".example.com"), f"session={A}; Path=/; Domain=example.com"),
        (StickyCookie(NAME, max_age=60), f"session={A}; Path=/; Max-Age=60"),
        (StickyCookie(NAME, max_age=-1), f"session={A}; Path=/; Max-Age=0"),
        (StickyCookie(NAME, secure=True, http_only=True), f"session={A}; Path=/; HttpOnly; Secure"),
        (StickyCookie(NAME, same_site="strict"), f"session={A}; Path=/; SameSite=Strict"),
        (StickyCookie(NAME, same_site="none"), f"session={A}; Path=/; SameSite=None"),
        (StickyCookie("a b;c\r\nX"), f"a_b_c__X={A}; Path=/"),
        (StickyCookie(NAME, path="/\r\nX: y; z", domain="d;\n"), f"session={A}; Path=/X: y z; Domain=d"),
    ],
)
def test_the_set_cookie_line_has_the_configured_attributes(cookie: StickyCookie, line: str) -> None:
    assert sticky(cookie).set_cookie_line("A") == f"\r\nSet-Cookie: {line}".encode()


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ("", None),
        ("Cookie: other=1\r\n", None),
        (f"Cookie: session={A}\r\n", "A"),
        (f"cookie:session={B}\r\n", "B"),
        (f"COOKIE: x=y; session={B}; z=1\r\n", "B"),
        (f"Cookie: x=y;session={B} ;z\r\n", "B"),
        (f'Cookie: session="{A}"\r\n', "A"),
        (f"Cookie: x=1\r\nAccept: */*\r\nCookie: session={A}\r\n", "A"),
        (f"Cookie: session={A}; session={B}\r\n", "A"),
        (f"Cookie: session=; session={B}\r\n", "B"),
        (f"Cookie: mysession={A}\r\n", None),
        (f"Cookie: x=session={A}\r\n", None),
        (f"Cookie: session={A}0\r\n", None),
        (f"Cookie: session={A[:-1]}\r\n", None),
        (f"Cookie: session={A.upper()}\r\n", None if A.upper() != A else "A"),
        ("Cookie: session=0123456789abcdef\r\n", None),
        (f"X-Cookie: session={A}\r\n", None),
        (f"Set-Cookie: session={A}\r\n", None),
    ],
)
def test_the_member_in_a_request_s_cookie(headers: str, kept: str | None) -> None:
    assert sticky().find_member(request(headers)) == kept


def test_a_long_cookie_takes_linear_time() -> None:
    headers = f"Cookie: {'a=b;' * 4000}{'=' * 8000}\r\n"
    assert sticky().find_member(request(headers)) is None


STRATEGIES: tuple[Strategy, ...] = ("wrr", "drr", "p2c", "leastconn", "leasttime", "hrw")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_client_stays_with_its_server_with_every_strategy(strategy: Strategy) -> None:
    with built(Service("s", servers(1, 1, 1), strategy=strategy, sticky=StickyCookie(NAME))) as service:
        for number in range(3):
            cookie = f"Cookie: session={cookie_value('s', f's{number}')}\r\n"
            assert {service.name(headers=cookie) for _ in range(10)} == {f"s{number}"}
        assert service.served.choose is not None
        chosen = {service.name(peer=f"192.0.2.{number}") for number in range(60)}
        assert chosen == {"s0", "s1", "s2"}


def test_a_draining_server_keeps_its_clients_and_gets_no_new_ones() -> None:
    first, second = servers(1, 1)
    draining = Service("s", (replace(first, state=ServerState.DRAINING), second), sticky=StickyCookie(NAME))
    with built(draining) as service:
        cookie = f"Cookie: session={cookie_value('s', 's0')}\r\n"
        assert {service.name(headers=cookie) for _ in range(10)} == {"s0"}
        assert {service.name() for _ in range(10)} == {"s1"}


def test_an_ejected_server_loses_its_clients() -> None:
    with built(Service("s", servers(1, 1), sticky=StickyCookie(NAME))) as service:
        service.services.set_ejected(address_of(servers(1, 1)[0]), ejected=True)
        cookie = f"Cookie: session={cookie_value('s', 's0')}\r\n"
        assert {service.name(headers=cookie) for _ in range(10)} == {"s1"}
