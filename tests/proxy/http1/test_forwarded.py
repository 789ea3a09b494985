"""The forwarded headers of a trusted proxy, and those that are filled in for it."""

import pytest

from proxy.http1.forwarded import pass_on_claims, without_peer
from proxy.http1.limits import REMOVED_LINES_TRUSTED, Limits
from proxy.http1.request import parse_request
from tests.proxy.corpus.requests import get

TRUSTED = Limits(removed_lines=REMOVED_LINES_TRUSTED)
NOTHING_SAID = {
    b"X-Forwarded-For": b"10.0.0.1",
    b"X-Forwarded-Server": b"us",
    b"X-Real-Ip": b"10.0.0.1",
    b"X-Forwarded-Proto": b"http",
    b"X-Forwarded-Port": b"80",
    b"X-Forwarded-Host": b"a.test",
}


def forwarded_lines(*lines: bytes, host: bytes = b"a.test") -> tuple[bytes, dict[bytes, bytes]]:
    """Return the lines that stay, and those added."""
    request = parse_request(get(*lines), TRUSTED)
    assert request is not None
    stay, added = pass_on_claims(request.headers, host, b"10.0.0.1", b"http", b"us")
    parts = [line.partition(b": ") for line in added.split(b"\r\n")[1:]]
    assert len({name for name, _, _ in parts}) == len(parts)
    return stay.removeprefix(b"\r\nHost: a.test"), {name: value for name, _, value in parts}


def test_missing_lines_are_filled_in() -> None:
    assert forwarded_lines(b"A: b") == (b"\r\nA: b", NOTHING_SAID)


KEPT = {
    b"X-Real-Ip": b"1.2.3.4",
    b"X-Forwarded-Proto": b"https",
    b"X-Forwarded-Port": b"8443",
    b"X-Forwarded-Host": b"b.test:1",
}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("spelled", [bytes.lower, bytes.upper, bytes])
def test_sent_lines_stay_unchanged(name: bytes, spelled: object) -> None:
    line = spelled(name) + b":  " + KEPT[name] + b" "  # type: ignore[operator]
    stay, added = forwarded_lines(b"A: b", line, b"C: d")
    assert stay == b"\r\nA: b\r\n" + line + b"\r\nC: d"
    expected = NOTHING_SAID | ({b"X-Forwarded-Port": b"443"} if KEPT[name] == b"https" else {})
    assert added == {key: value for key, value in expected.items() if key != name}


@pytest.mark.parametrize("name", KEPT)
def test_empty_lines_count_as_missing(name: bytes) -> None:
    for lines in ([name + b":", b"A: b"], [b"A: b", name + b": \t"]):
        assert forwarded_lines(*lines) == (b"\r\nA: b", NOTHING_SAID)


@pytest.mark.parametrize(
    "name", [b"X-Forwarded-Prefix", b"X-Forwarded-Uri", b"x-forwarded-tls-client-cert", b"X-Forwarded-Any"]
)
def test_further_lines_stay(name: bytes) -> None:
    assert forwarded_lines(name + b": x") == (b"\r\n" + name + b": x", NOTHING_SAID)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"X-Forwarded-For: 1.2.3.4"], b"1.2.3.4, 10.0.0.1"),
        ([b"x-forwarded-for: 1.2.3.4,5.6.7.8 "], b"1.2.3.4,5.6.7.8, 10.0.0.1"),
        ([b"X-Forwarded-For: 1.2.3.4", b"A: b", b"X-FORWARDED-FOR: ::1"], b"1.2.3.4, ::1, 10.0.0.1"),
        ([b"X-Forwarded-For:", b"X-Forwarded-For: 1.2.3.4"], b"1.2.3.4, 10.0.0.1"),
        ([b"X-Forwarded-For: "], b"10.0.0.1"),
    ],
)
def test_the_peer_is_appended_to_its_list(lines: list[bytes], value: bytes) -> None:
    stay, added = forwarded_lines(*lines)
    assert b"x-forwarded" not in stay.lower()
    assert added == NOTHING_SAID | {b"X-Forwarded-For": value}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"\r\nX-Forwarded-For: 10.0.0.1\r\nX-Real-Ip: 10.0.0.1", b"\r\nX-Real-Ip: 10.0.0.1"),
        (b"\r\nX-Forwarded-For: 1.2.3.4, 10.0.0.1\r\nA: b, c", b"\r\nX-Forwarded-For: 1.2.3.4\r\nA: b, c"),
        (b"\r\nX-Forwarded-For: 1.2.3.4,5.6.7.8, ::1", b"\r\nX-Forwarded-For: 1.2.3.4,5.6.7.8"),
        (b"\r\nX-Real-Ip: 10.0.0.1", b"\r\nX-Real-Ip: 10.0.0.1"),
    ],
)
def test_the_peer_is_left_out_of_the_list(lines: bytes, expected: bytes) -> None:
    assert without_peer(lines) == expected


def test_the_server_is_always_this_proxy() -> None:
    assert forwarded_lines(b"X-Forwarded-Server: other") == (b"", NOTHING_SAID)


@pytest.mark.parametrize(
    ("host", "proto", "port"),
    [
        (b"a:81", b"https", b"81"),
        (b"a", b"https", b"443"),
        (b"a", b"wss", b"443"),
        (b"a", b"ws", b"80"),
        (b"[::1]", b"http", b"80"),
        (b"[::1]:8", b"http", b"8"),
    ],
)
def test_the_port_follows_from_host_and_protocol(host: bytes, proto: bytes, port: bytes) -> None:
    assert forwarded_lines(b"X-Forwarded-Proto: " + proto, host=host)[1][b"X-Forwarded-Port"] == port


@pytest.mark.parametrize(
    "name", [b"X_Forwarded_For", b"X-Forwarded_For", b"X_Forwarded-Proto", b"X_Real_Ip", b"x-real_ip"]
)
def test_lines_with_underscores_are_removed(name: bytes) -> None:
    assert forwarded_lines(b"A: b", name + b": 1.2.3.4") == (b"\r\nA: b", NOTHING_SAID)


@pytest.mark.parametrize("name", [b"X-Forwarded-For", b"x-real-ip", b"X-Forwarded-Prefix"])
def test_connection_cannot_remove_forwarded_lines(name: bytes) -> None:
    line = name + b": 1.2.3.4"
    request = parse_request(get(b"Connection: close, " + name, line), TRUSTED)
    assert request is not None
    assert request.headers == b"\r\nHost: a.test\r\n" + line
