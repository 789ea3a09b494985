"""Parsing, removing and writing the W3C trace context headers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.request import Request
from proxy.telemetry.drawn_ids import DrawnIds
from proxy.telemetry.tracing.trace import RequestTrace
from proxy.telemetry.tracing.trace_context import Parent, context_lines, parse_parent, remove_context
from proxy.telemetry.tracing.tracer import Tracer
from rondpoint.settings import Tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WHOLE = f"00-{TRACE}-{SPAN}-01"


def lines(*values: str, state: tuple[str, ...] = ()) -> bytes:
    context = [f"\r\ntraceparent: {value}" for value in values] + [
        f"\r\ntracestate: {value}" for value in state
    ]
    return "".join(["\r\nHost: a", *context, "\r\nAccept: */*"]).encode()


PARENTS = [
    (WHOLE, Parent(int(TRACE, 16), int(SPAN, 16), True)),
    (f"00-{TRACE}-{SPAN}-00", Parent(int(TRACE, 16), int(SPAN, 16), False)),
    (f"00-{TRACE}-{SPAN}-ff", Parent(int(TRACE, 16), int(SPAN, 16), True)),
    (f"  {WHOLE} \t", Parent(int(TRACE, 16), int(SPAN, 16), True)),
    (f"cc-{TRACE}-{SPAN}-01-what-comes", Parent(int(TRACE, 16), int(SPAN, 16), True)),
    (f"cc-{TRACE}-{SPAN}-01", Parent(int(TRACE, 16), int(SPAN, 16), True)),
    (f"cc-{TRACE}-{SPAN}-01x", None),
    (f"00-{TRACE}-{SPAN}-01-more", None),
    (f"ff-{TRACE}-{SPAN}-01", None),
    (f"00-{'0' * 32}-{SPAN}-01", None),
    (f"00-{TRACE}-{'0' * 16}-01", None),
    (f"00-{TRACE.upper()}-{SPAN}-01", None),
    (f"00-{TRACE}-{SPAN}", None),
    (f"00-{TRACE[:-1]}-{SPAN}-01", None),
    ("", None),
    ("nothing", None),
]


@pytest.mark.parametrize(("value", "expected"), PARENTS)
def test_traceparent_is_parsed_as_the_standard_says(value: str, expected: Parent | None) -> None:
    assert parse_parent(lines(value)) == expected


def test_none_or_two_traceparent_headers_are_ignored() -> None:
    assert parse_parent(lines(WHOLE, WHOLE)) is None
    assert parse_parent(b"\r\nHost: a") is None


def test_tracestate_is_passed_on_in_order_unless_it_is_too_long() -> None:
    parent = parse_parent(lines(WHOLE, state=("a=1", "b=2,c=3")))
    assert parent is not None
    assert parent.state == b"a=1,b=2,c=3"
    long = parse_parent(lines(WHOLE, state=("a=" + "x" * 600,)))
    assert long == Parent(int(TRACE, 16), int(SPAN, 16), True)


def test_context_headers_are_removed_in_any_case() -> None:
    headers = b"\r\nHost: a\r\nTraceParent: x\r\nTRACESTATE: y\r\nX-Traceparent: z"
    assert remove_context(headers) == b"\r\nHost: a\r\nX-Traceparent: z"


def begin(request: Request, rate: float = 0.0) -> RequestTrace:
    tracer = Tracer(Tracing(sample_rate=rate))
    return tracer.begin(request, DrawnIds(request_ids=False, bound=tracer.bound).take())


def request(headers: bytes = b"\r\nHost: a") -> Request:
    made = Request()
    made.headers = headers
    made.method, made.target = b"GET", b"/"
    return made


def test_a_request_continues_its_trace_with_new_spans() -> None:
    client_request = request(lines(WHOLE, state=("a=1",)))
    trace = begin(client_request)
    assert (trace.ids[:32], trace.parent, trace.sampled) == (TRACE.encode(), int(SPAN, 16), True)
    assert client_request.headers == b"\r\nHost: a\r\nAccept: */*"
    first, second = trace.header_lines(), trace.header_lines()
    for written in (first, second):
        found = re.fullmatch(
            rb"\r\ntraceparent: 00-%b-([0-9a-f]{16})-01\r\ntracestate: a=1" % TRACE.encode(), written
        )
        assert found is not None
        assert found[1] not in (SPAN.encode(), trace.ids[33:])
    assert first != second


def test_a_new_trace_is_sampled_by_the_rate() -> None:
    assert all(begin(request(), 1.0).sampled for _ in range(50))
    assert not any(begin(request(), 0.0).sampled for _ in range(50))
    sampled = sum(begin(request(), 0.5).sampled for _ in range(2000))
    assert 800 < sampled < 1200


def test_an_unsampled_request_sends_the_flag_00() -> None:
    written = begin(request()).header_lines()
    assert written.endswith(b"-00")
    assert parse_parent(written) is not None


@given(st.binary())
def test_any_traceparent_is_parsed_or_ignored(value: bytes) -> None:
    value = value.replace(b"\r", b"").replace(b"\n", b"")
    parent = parse_parent(b"\r\ntraceparent: " + value)
    if parent is not None:
        assert parse_parent(context_lines(parent.trace, parent.span, parent.sampled, b"")) == parent


def test_requests_without_context_get_a_new_trace_each() -> None:
    first, second = (begin(request()) for _ in range(2))
    assert first.ids[:32] != second.ids[:32]
    assert begin(request(lines(WHOLE))).ids[:32] == TRACE.encode()
