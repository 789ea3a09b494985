"""Functions on header lines, checked against lists of pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.header_lines import first_value, header_line, lines_of, values_of, with_value, without

NAMES = st.sampled_from(["Vary", "vary", "X-A", "x-a", "Set-Cookie", "X-A-B"])
LINES = st.lists(st.tuples(NAMES, st.text("abc ,=", max_size=5).map(str.strip)), max_size=6)


def encode(pairs: list[tuple[str, str]]) -> bytes:
    return b"".join(header_line(name, value) for name, value in pairs)


@given(LINES, NAMES)
def test_values_are_those_of_the_name_regardless_of_case(pairs: list[tuple[str, str]], name: str) -> None:
    expected = [value.encode() for known, value in pairs if known.lower() == name.lower()]
    assert values_of(encode(pairs), name.encode()) == expected
    assert first_value(encode(pairs), name.encode()) == (expected[0] if expected else b"")


@given(LINES, NAMES)
def test_removed_lines_leave_the_others_unchanged(pairs: list[tuple[str, str]], name: str) -> None:
    left = [pair for pair in pairs if pair[0].lower() != name.lower()]
    assert without(encode(pairs), name.encode()) == encode(left)
    assert lines_of(encode(pairs), name.encode()) == encode([pair for pair in pairs if pair not in left])


@given(LINES, NAMES)
def test_a_set_value_is_the_only_one_of_its_name(pairs: list[tuple[str, str]], name: str) -> None:
    lines = with_value(encode(pairs), name.encode(), b"new")
    assert values_of(lines, name.encode()) == [b"new"]
    assert without(lines, name.encode()) == without(encode(pairs), name.encode())


def test_a_configured_value_is_sent_in_utf_8() -> None:
    assert header_line("X-A", "caf\u00e9 \u20ac") == b"\r\nX-A: caf\xc3\xa9 \xe2\x82\xac"


@pytest.mark.parametrize(
    ("name", "value"), [("X A", "a"), ("", "a"), ("X:", "a"), ("X", "a\r\nB: c"), ("X", "\0")]
)
def test_what_no_header_may_contain_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        header_line(name, value)
