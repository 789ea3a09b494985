"""Requests that repeat an earlier one but for their path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request
from proxy.http2.errors import StreamFault
from proxy.http2.fields import Field
from proxy.http2.repeated_requests import RequestParser
from proxy.http2.request_head import parse_request
from tests.proxy.http1.parsed_values import request_values
from tests.proxy.http2.test_request_head import fields

LIMITS = Limits(head_bytes=400, line_bytes=60)

PATHS = ["/", "/other?a=b", "/a/../b", "", "/a b", "x", "*", "/\r\n", "/" + "a" * 60, "/%2e%2e/c", "/\xfc"]


def outcome(parse: object, given_fields: list[Field]) -> object:
    """Return all of a request, or what it raises or returns as an error."""
    try:
        found = parse(given_fields)  # type: ignore[operator]
    except StreamFault as fault:
        return fault.code
    except RequestError as error:
        found = error
    if isinstance(found, RequestError):
        return found.status
    assert isinstance(found, Request)
    # Only the connection knows whether there is content.
    found.chunked = False
    return request_values(found)


@pytest.mark.parametrize("path", PATHS)
def test_another_path_has_the_same_outcome_as_without_an_earlier_request(path: str) -> None:
    parser = RequestParser(LIMITS)
    regular = [("accept", "*/*"), ("cookie", "a=1"), ("cookie", "b=2")]
    parser.parse(fields(*regular, path="/first"))
    again = fields(*regular, path=path)
    assert outcome(parser.parse, again) == outcome(lambda given: parse_request(given, LIMITS), again)


def test_a_longer_path_counts_for_the_size_of_the_head() -> None:
    parser = RequestParser(LIMITS)
    regular = [("x-a", "a" * 150)]
    assert isinstance(parser.parse(fields(*regular, path="/")), Request)
    error = parser.parse(fields(*regular, path="/" + "a" * 55))
    assert isinstance(error, RequestError)
    assert error.status == 431


def test_requests_are_objects_of_their_own() -> None:
    parser = RequestParser(LIMITS)
    first, second = parser.parse(fields(path="/a")), parser.parse(fields(path="/b"))
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert (first.target, second.target) == (b"/a", b"/b")


_SOME_FIELDS = st.lists(
    st.sampled_from(
        [
            *fields(path="/a"),
            *fields(("accept", "*/*"), method="POST", path="/b?c", authority="b.test"),
            (b":path", b"/late", False),
            (b":path", b"", False),
            (b":other", b"1", False),
            (b"cookie", b"a=1", False),
            (b"host", b"a.test", False),
        ]
    ),
    max_size=8,
)


@given(st.lists(_SOME_FIELDS, max_size=4))
def test_any_fields_have_the_same_outcome_as_without_earlier_requests(requests: list[list[Field]]) -> None:
    parser = RequestParser(LIMITS)
    for each in requests:
        assert outcome(parser.parse, each) == outcome(lambda given: parse_request(given, LIMITS), each)
