"""`Max-Forwards` of OPTIONS and TRACE: it is decremented, and no server gets a request with 0."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.max_forwards import MAX_VALUE, decrement_max_forwards
from proxy.http1.request import Request, parse_request
from tests.proxy.corpus.requests import get


def options(*lines: bytes) -> Request:
    request = parse_request(get(*lines, method=b"OPTIONS"), Limits())
    assert request is not None
    return request


def test_without_the_header_nothing_happens() -> None:
    request = options(b"A: Max-Forwards: 0", b"X-Max-Forwards: 0", b"Max-Forwards-: 0", b"Max_Forwards: 0")
    before = request.headers
    assert decrement_max_forwards(request)
    assert request.headers == before


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (b"Max-Forwards: 1", b"Max-Forwards: 0"),
        (b"max-FORWARDS:10 \t", b"max-FORWARDS:9"),
        (b"Max-Forwards:\t 0007", b"Max-Forwards:\t 6"),
        (b"Max-Forwards: 999999999", b"Max-Forwards: 999999998"),
        (b"Max-Forwards: 1000000000", b"Max-Forwards: %d" % MAX_VALUE),
        (b"Max-Forwards: " + b"9" * 5000, b"Max-Forwards: %d" % MAX_VALUE),
    ],
)
def test_the_value_is_decremented_in_place(line: bytes, after: bytes) -> None:
    request = options(b"A: b", line, b"C: d")
    assert decrement_max_forwards(request)
    assert request.headers == b"\r\nHost: a.test\r\nA: b\r\n" + after + b"\r\nC: d"


@pytest.mark.parametrize("line", [b"Max-Forwards: 0", b"max-forwards:000 ", b"MAX-FORWARDS:\t0\t"])
def test_a_request_with_zero_reaches_no_server(line: bytes) -> None:
    assert not decrement_max_forwards(options(b"A: b", line))


@pytest.mark.parametrize(
    "values",
    [
        [b""],
        [b"-1"],
        [b"+1"],
        [b"1.0"],
        [b"0x1"],
        [b"1 1"],
        [b"1, 1"],
        [b"a"],
        [b"\xb2"],
        [b"0", b"0"],
        [b"5", b""],
    ],
)
def test_anything_but_one_number_is_refused(values: list[bytes]) -> None:
    with pytest.raises(RequestError) as caught:
        decrement_max_forwards(options(*(b"Max-Forwards: " + value for value in values)))
    assert caught.value.status == 400


@given(st.integers(0, MAX_VALUE), st.integers(0, 3))
def test_a_request_passes_that_number_of_proxies(number: int, zeros: int) -> None:
    request = options(b"Max-Forwards: " + b"0" * zeros + b"%d" % number)
    for _ in range(min(number, 5)):
        assert decrement_max_forwards(request)
    if number > 5:
        assert request.headers.endswith(b"Max-Forwards: %d" % (number - 5))
    else:
        assert not decrement_max_forwards(request)
