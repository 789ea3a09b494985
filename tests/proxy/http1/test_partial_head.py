"""Heads in pieces: complete at the same byte as in one piece, refused no later, each byte examined once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1 import partial_head
from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.partial_head import PartialHead
from proxy.http1.request import parse_request
from tests.proxy.corpus.requests import REFUSED, get

LIMITS = Limits()
SMALL = Limits(head_bytes=200, line_bytes=60, headers=4)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(st.integers(0, 1000), max_size=10), st.sampled_from([b"", b"\r\n"]), st.binary(max_size=9))
def test_a_head_is_complete_with_its_last_byte(cuts: list[int], before: bytes, after: bytes) -> None:
    head = before + get(b"A: b", b"C: d")
    taken = b""
    some = PartialHead(LIMITS)
    for piece in pieces(head + after, cuts):
        taken += piece
        if some.add(piece):
            break
        assert len(taken) < len(head)
    assert before + bytes(some.data) == taken
    assert len(taken) >= len(head)


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_is_refused_in_one_piece_is_refused_byte_by_byte(name: str) -> None:
    data, status = REFUSED[name]
    some = PartialHead(LIMITS)
    with pytest.raises(RequestError) as caught:
        for number in range(len(data)):
            if some.add(data[number : number + 1]):
                parse_request(bytes(some.data), LIMITS)
    assert caught.value.status == status


def test_limits_are_exact_byte_by_byte() -> None:
    rest = b"Host: a\r\n"
    for extra, status in [(0, 0), (1, 414)]:
        line = b"GET /%b HTTP/1.1\r\n" % (b"x" * (46 + extra))
        for before in (b"", b"\r\n"):
            assert outcome(before + line + rest + b"\r\n") == status
            assert outcome(before + line) == status
    line = b"GET / HTTP/1.1\r\n"
    padding = 200 - len(line + rest) - 7
    for extra, status in [(0, 0), (1, 431)]:
        assert outcome(line + rest + b"A: " + b"b" * (padding + extra) + b"\r\n\r\n") == status


def outcome(data: bytes) -> int:
    """Return the status of the error for these bytes one by one, 0 for none."""
    some = PartialHead(SMALL)
    try:
        for number in range(len(data)):
            if some.add(data[number : number + 1]):
                assert parse_request(bytes(some.data), SMALL)
    except RequestError as error:
        return error.status
    return 0


class Counted(bytearray):
    """A bytearray that counts the bytes that searches examine."""

    searched = 0

    def find(self, sub: bytes, start: int = 0) -> int:  # type: ignore[override]
        found = super().find(sub, start)
        Counted.searched += (found if found >= 0 else len(self)) - start
        return found

    def count(self, sub: bytes, start: int = 0) -> int:  # type: ignore[override]
        Counted.searched += len(self) - start
        return super().count(sub, start)


def test_the_work_for_a_slow_head_grows_linearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_head, "bytearray", Counted, raising=False)
    Counted.searched = 0
    head = get(*[b"A: " + b"b" * 600] * 90)
    some = PartialHead(LIMITS)
    assert not any(some.add(head[number : number + 1]) for number in range(len(head) - 1))
    assert some.add(head[-1:])
    assert 0 < Counted.searched < 10 * len(head)
