"""Headers: names regardless of case, repeated names, and no text that could split a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.middleware import Headers

LINES = b"\r\nHost: a.test\r\nX-One: 1\r\nx-one:  2 \r\nContent-Length: 5\r\nX-Raw: caf\xe9"


def test_lines_are_read_regardless_of_case_and_in_order() -> None:
    headers = Headers.from_lines(LINES)
    assert headers["HOST"] == "a.test"
    assert headers.get_all("X-One") == ["1", "2"]
    assert (headers.get("X-None"), headers.get("X-None", "d"), "x-none" in headers) == ("", "d", False)
    assert list(headers) == ["Host", "X-One", "x-one", "Content-Length", "X-Raw"]
    with pytest.raises(KeyError):
        headers["X-None"]


def test_unchanged_headers_keep_their_bytes() -> None:
    headers = Headers.from_lines(LINES)
    assert headers["Host"]
    assert (headers.changed, headers.to_lines()) == (False, LINES.replace(b":  2 ", b": 2"))
    assert Headers.from_lines(LINES).to_lines() == LINES


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda headers: headers.__setitem__("X-ONE", "3"), [("Host", "a.test"), ("X-ONE", "3")]),
        (lambda headers: headers.__delitem__("x-One"), [("Host", "a.test")]),
        (lambda headers: headers.__delitem__("X-None"), [("Host", "a.test"), ("X-One", "1"), ("x-one", "2")]),
        (
            lambda headers: headers.add("X-One", "ü"),
            [("Host", "a.test"), ("X-One", "1"), ("x-one", "2"), ("X-One", "ü")],
        ),
    ],
)
def test_changes(change, expected) -> None:  # type: ignore[no-untyped-def]
    headers = Headers.from_lines(b"\r\nHost: a.test\r\nX-One: 1\r\nx-one: 2")
    change(headers)
    assert headers.items() == expected
    assert headers.changed
    assert Headers.from_lines(headers.to_lines()).items() == expected


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("X-A", "a\r\nSet-Cookie: b", "control character"),
        ("X-A", "a\nb", "control character"),
        ("X-A", "a\0b", "control character"),
        ("X A", "b", "not a header name"),
        ("X-A:", "b", "not a header name"),
        ("", "b", "not a header name"),
        ("Content-Length", "5", "frame messages"),
        ("transfer_encoding", "chunked", "frame messages"),
        ("Connection", "close", "frame messages"),
    ],
)
def test_what_no_line_may_contain_is_refused(name: str, value: str, reason: str) -> None:
    for change in (
        lambda: Headers({name: value}),
        lambda: Headers().add(name, value),
        lambda: Headers().__setitem__(name, value),
    ):
        with pytest.raises(ValueError, match=reason):
            change()


def test_framing_headers_cannot_be_removed() -> None:
    with pytest.raises(ValueError, match="frame messages"):
        del Headers.from_lines(LINES)["Content-Length"]


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z-]{1,9}", fullmatch=True), st.text())))
def test_no_text_splits_lines(items: list[tuple[str, str]]) -> None:
    headers = Headers()
    taken = 0
    for name, value in items:
        try:
            headers.add(name, value)
            taken += 1
        except (ValueError, UnicodeEncodeError):
            continue
    assert headers.to_lines().count(b"\r\n") == headers.to_lines().count(b"\n") == taken
