"""Repeated heads: a head means the same regardless of the heads before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError, ResponseError
from proxy.http1.limits import Limits
from proxy.http1.repeated_heads import (
    MAX_CLIENTS,
    MAX_REMEMBERED_BYTES,
    ClientHeads,
    RequestHeads,
    ResponseHeads,
)
from proxy.http1.request import Request, parse_request
from proxy.http1.request_target import TargetRules
from proxy.http1.response import Response, parse_response
from tests.proxy.corpus import requests, responses
from tests.proxy.corpus.requests import get
from tests.proxy.http1.parsed_values import request_values, response_values

LIMITS = Limits()
TIGHT = Limits(head_bytes=120, line_bytes=40, headers=4)
KEEPING = Limits(targets=TargetRules(resolve_path=False))
ENCODING = Limits(targets=TargetRules(encode_semicolons=True))
LINES = [
    (),
    (b"A: b",),
    (b"Connection: close",),
    (b"Connection: keep-alive", b"A: b"),
    (b"Content-Length: 5",),
    (b"Transfer-Encoding: chunked",),
    (b"Connection: upgrade", b"Upgrade: websocket"),
    (b"X-Forwarded-For: 1.2.3.4", b"Connection: X-A", b"X-A: b"),
]
requests_sent = st.one_of(
    st.builds(
        lambda before, lines, method, target, version: (
            before + get(*lines, method=method, target=target, version=version)
        ),
        st.sampled_from([b"", b"", b"", b"\r\n"]),
        st.sampled_from(LINES),
        st.sampled_from([b"GET", b"POST", b"HEAD", b"CONNECT", b"BREW", b"get"]),
        st.sampled_from(
            [
                *(b"/", b"/a?b", b"http://b.test/", b"*", b"/\xff", b"/#x", b"/ x", b"/" + b"y" * 30),
                *(b"b.test:1", b"/a/../b", b"//a", b"/%2e/a", b"/a;b?c;d", b"/.a/%20"),
            ]
        ),
        st.sampled_from([b"1.1", b"1.0", b"1.2", b"2.0"]),
    ),
    st.sampled_from([data for data, _ in requests.REFUSED.values() if len(data) < 300]),
)
after = st.sampled_from([b"", b"\r\n", b"hello", get()])


def meaning(parse: object, *arguments: object) -> object:
    """Return every parsed field, or the error."""
    try:
        found = parse(*arguments)  # type: ignore[operator]
    except (RequestError, ResponseError) as error:
        return type(error), str(error)
    if found is None:
        return None
    assert isinstance(found, Request | Response)
    return request_values(found) if isinstance(found, Request) else response_values(found)


@given(
    st.lists(st.tuples(requests_sent, after), min_size=2, max_size=6),
    st.sampled_from([LIMITS, TIGHT, KEEPING, ENCODING]),
)
def test_a_request_means_the_same_as_alone(sent: list[tuple[bytes, bytes]], limits: Limits) -> None:
    heads = RequestHeads()
    for head, rest in sent * 2:
        assert meaning(heads.parse, head + rest, limits) == meaning(parse_request, head + rest, limits)


@given(st.lists(st.tuples(requests_sent, after), min_size=2, max_size=6))
def test_a_request_means_the_same_on_a_client_s_next_connection(sent: list[tuple[bytes, bytes]]) -> None:
    clients = ClientHeads()
    for head, rest in sent * 2:
        parse = clients.begin("192.0.2.1").parse
        assert meaning(parse, head + rest, LIMITS) == meaning(parse_request, head + rest, LIMITS)


def test_a_client_s_next_connection_begins_with_the_lines_of_its_last() -> None:
    clients = ClientHeads()
    clients.begin("192.0.2.1").parse(get(b"A: b"), LIMITS)
    assert b"A: b" in clients.begin("192.0.2.1")._lines
    assert b"A: b" in clients.begin("192.0.2.1")._lines
    assert clients.begin("192.0.2.2")._lines == b""


def test_connections_at_the_same_time_do_not_share_their_lines() -> None:
    clients = ClientHeads()
    first, second = clients.begin("192.0.2.1"), clients.begin("192.0.2.1")
    first.parse(get(b"A: b"), LIMITS)
    assert second._lines == b""


def test_the_clients_that_connected_last_are_remembered() -> None:
    clients = ClientHeads()
    for number in range(MAX_CLIENTS):
        clients.begin(f"client {number}").parse(get(b"A: b"), LIMITS)
    clients.begin("client 0")
    clients.begin("another client")
    assert [bool(clients.begin(f"client {number}")._lines) for number in (0, 2)] == [True, True]
    assert clients.begin("client 1")._lines == b""


@pytest.mark.parametrize(("line", "length", "status"), [(b"A: b", 50, 414), (b"A: " + b"b" * 70, 20, 431)])
def test_limits_apply_to_repeated_lines(line: bytes, length: int, status: int) -> None:
    heads = RequestHeads()
    assert heads.parse(get(line), TIGHT)
    with pytest.raises(RequestError) as caught:
        heads.parse(get(line, target=b"/" + b"y" * length), TIGHT)
    assert caught.value.status == status


def test_a_response_to_head_has_no_body_although_the_same_to_get_has() -> None:
    heads = ResponseHeads()
    data = responses.head(b"Content-Length: 5")
    lengths = []
    for method in (b"GET", b"HEAD", b"GET"):
        response = heads.parse(data, method, responses.LIMIT)
        assert response is not None
        lengths.append(response.length)
    assert lengths == [5, 0, 5]


def test_an_incomplete_repeated_head_is_not_accepted() -> None:
    heads = RequestHeads()
    head = get(b"A: b", target=b"/first")
    assert heads.parse(head, LIMITS)
    for end in range(len(head)):
        assert heads.parse(head[:end], LIMITS) is None


def test_changes_of_a_request_do_not_affect_the_next() -> None:
    heads = RequestHeads()
    first = heads.parse(get(b"A: b"), LIMITS)
    second = heads.parse(get(b"A: b", target=b"/second"), LIMITS)
    assert first is not None
    assert second is not None
    second.headers = first.headers = b"\r\nX: changed"
    second.keep_alive = False
    assert meaning(heads.parse, get(b"A: b"), LIMITS) == meaning(parse_request, get(b"A: b"), LIMITS)


def test_long_heads_are_not_remembered() -> None:
    head = get(b"A: " + b"b" * MAX_REMEMBERED_BYTES)
    heads = RequestHeads()
    heads.parse(head, LIMITS)
    assert heads._lines == b""
    assert meaning(heads.parse, head, LIMITS) == meaning(parse_request, head, LIMITS)


answers = st.one_of(
    st.builds(
        lambda status, lines, version: responses.head(*lines, status=status, version=version),
        st.sampled_from([b"200 OK", b"204 No Content", b"304 Not Modified", b"103 Early Hints"]),
        st.sampled_from(
            [
                (),
                (b"Content-Length: 5",),
                (b"Transfer-Encoding: chunked",),
                (b"Connection: close", b"Content-Length: 0"),
                (b"Connection: X-A", b"X-A: b", b"Content-Length: 7"),
            ]
        ),
        st.sampled_from([b"1.1", b"1.0"]),
    ),
    st.sampled_from([b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]),
)
methods = st.sampled_from([b"GET", b"HEAD", b"POST"])


@given(st.lists(st.tuples(answers, methods, after), min_size=2, max_size=6))
def test_a_response_means_the_same_as_alone(sent: list[tuple[bytes, bytes, bytes]]) -> None:
    heads = ResponseHeads()
    for head, method, rest in sent * 2:
        arguments = (head + rest, method, responses.LIMIT)
        assert meaning(heads.parse, *arguments) == meaning(parse_response, *arguments)


@pytest.mark.parametrize("name", responses.REFUSED)
def test_a_refused_response_is_not_remembered(name: str) -> None:
    heads = ResponseHeads()
    for _ in range(2):
        with pytest.raises(ResponseError):
            heads.parse(responses.REFUSED[name], b"GET", responses.LIMIT)
