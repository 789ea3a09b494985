"""Durations, booleans, numbers, addresses and networks in Traefik's notation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.settings.values import (
    parse_count,
    parse_duration,
    parse_networks,
    parse_switch,
    split_address,
    split_entry_point_address,
)

DURATIONS = {
    "10s": 10.0,
    "5m": 300.0,
    "1m30s": 90.0,
    "1.5h": 5400.0,
    "300ms": 0.3,
    "250us": 0.00025,
    "1h1m1s": 3661.0,
    "0": 0.0,
    "0s": 0.0,
    "42": 42.0,
    "0.5": 0.5,
    " 7s ": 7.0,
    ".5s": 0.5,
}


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("number", [0, 3, 2.5])
def test_a_bare_number_is_seconds(number: float) -> None:
    assert parse_duration(number) == number


@pytest.mark.parametrize(
    "value", ["", "s", "10x", "-5s", "10 s", "1m 30s", "10s5", "1e3", "inf", "nan", "٣s", True, None, [], -1]
)
def test_other_values_are_no_durations(value: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(value)


@given(
    hours=st.integers(0, 1000),
    minutes=st.integers(0, 59),
    seconds=st.integers(0, 59),
    milliseconds=st.integers(0, 999),
)
def test_the_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{milliseconds}ms") == pytest.approx(total)


@given(st.text(alphabet="0123456789.hmsnuµ -+e", max_size=12))
def test_a_duration_is_never_negative_and_never_fails_otherwise(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError as fault:
        assert "expected a duration" in str(fault)


@pytest.mark.parametrize("value", ["1", "t", "T", "TRUE", "true", "True", True, 1])
def test_spellings_of_true(value: object) -> None:
    assert parse_switch(value) is True


@pytest.mark.parametrize("value", ["0", "f", "F", "FALSE", "false", "False", False, 0])
def test_spellings_of_false(value: object) -> None:
    assert parse_switch(value) is False


@pytest.mark.parametrize("value", ["yes", "on", "", None, 2, []])
def test_other_values_are_no_booleans(value: object) -> None:
    with pytest.raises(ValueError, match="expected true or false"):
        parse_switch(value)


@pytest.mark.parametrize("value", [True, 1.5, "1.5", "", "²", None])
def test_other_values_are_no_whole_numbers(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number"):
        parse_count(value)


ADDRESSES = {
    ":80": ("", 80),
    "127.0.0.1:8080": ("127.0.0.1", 8080),
    "[::]:80": ("::", 80),
    "[::1]:443/tcp": ("::1", 443),
    "localhost:1": ("localhost", 1),
    ":8000/TCP": ("", 8000),
}


@pytest.mark.parametrize(("address", "parts"), ADDRESSES.items())
def test_an_address_has_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize(
    "address", ["", "80", ":", ":0", ":65536", "::1:80", ":http", ":80/sctp", "a", ":٨٠"]
)
def test_invalid_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        split_address(address)


def test_an_address_of_an_entry_point_has_a_protocol() -> None:
    assert split_entry_point_address("[::1]:53/UDP") == ("::1", 53, "udp")
    assert split_entry_point_address(":53/tcp") == split_entry_point_address(":53") == ("", 53, "tcp")


def test_other_addresses_are_for_tcp() -> None:
    with pytest.raises(ValueError, match="expected an address for TCP"):
        split_address(":53/udp")


NETWORKS: list[tuple[object, list[str]]] = [
    ("10.0.0.0/8", ["10.0.0.0/8"]),
    ("10.1.2.3/8, fd00::1", ["10.0.0.0/8", "fd00::1/128"]),
    (["192.168.1.7", "fd00::/8"], ["192.168.1.7/32", "fd00::/8"]),
    ("", []),
    ([], []),
]


@pytest.mark.parametrize(("value", "networks"), NETWORKS)
def test_networks_are_listed_or_separated_by_commas(value: object, networks: list[str]) -> None:
    assert [str(network) for network in parse_networks(value)] == networks


@pytest.mark.parametrize(
    "value",
    ["10.0.0.0/33", "10.0.0", "host", "::1/129", ["10.0.0.1", ""], [7], "10.0.0.1;::1", "1.2.3.4:80"],
)
def test_an_invalid_network_is_named_in_the_error(value: object) -> None:
    with pytest.raises(ValueError, match="is neither an address nor a network such as"):
        parse_networks(value)


@pytest.mark.parametrize("value", [True, 7, {"a": "b"}, None])
def test_other_values_are_no_lists_of_networks(value: object) -> None:
    with pytest.raises(ValueError, match="expected addresses or networks"):
        parse_networks(value)
