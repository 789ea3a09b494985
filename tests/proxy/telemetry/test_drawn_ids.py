"""Ids of requests and traces, drawn many at once."""

import re
from random import Random

import pytest

from proxy.telemetry import drawn_ids
from proxy.telemetry.drawn_ids import IDS_PER_DRAW, DrawnIds, draw_ids, sampling_bound
from proxy.telemetry.json_ids import id_columns
from proxy.telemetry.tracing.trace import Trace, UnsampledTrace, new_trace

REQUEST_LINE = rb"\r\nX-Request-Id: ([0-9a-f]{32})"
CONTEXT_LINE = rb"\r\ntraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-00"
KINDS = [(True, b"", REQUEST_LINE), (False, b"0", CONTEXT_LINE), (True, b"0", REQUEST_LINE + CONTEXT_LINE)]
"""Whether requests get ids, the bound of traces (empty: none), and the lines."""


@pytest.mark.parametrize(("request_ids", "bound", "expected"), KINDS)
def test_no_drawn_id_repeats(request_ids: bool, bound: bytes, expected: bytes) -> None:
    drawn = DrawnIds(request_ids=request_ids, bound=bound)
    found = [re.fullmatch(expected, drawn.take()) for _ in range(3 * IDS_PER_DRAW)]
    for kind in zip(*[each.groups() for each in found if each is not None], strict=True):
        assert len(set(kind)) == len(found)


def test_two_processes_draw_different_ids() -> None:
    first, second = (DrawnIds(request_ids=True, bound=b"0") for _ in range(2))
    assert first.take() != second.take()


class Zeros(Random):
    def randbytes(self, n: int) -> bytes:
        return bytes(n)


def test_no_id_is_zero() -> None:
    found = draw_ids(Zeros(), 32)
    assert len(found) == 32 * IDS_PER_DRAW
    assert b"0" * 16 not in found


def test_an_id_is_sampled_below_the_bound_of_its_rate() -> None:
    assert [sampling_bound(rate) for rate in (0.0, 0.5, 1.0)] == [b"0" * 16, b"8" + b"0" * 15, b"g"]


def test_the_id_of_a_trace_decides_whether_it_is_sampled() -> None:
    bound = sampling_bound(0.25)
    drawn = DrawnIds(request_ids=True, bound=bound)
    taken = [drawn.take() for _ in range(4 * IDS_PER_DRAW)]
    for lines in taken:
        sampled = drawn_ids.trace_ids(lines)[16:32] < bound
        assert drawn_ids.is_sampled(lines) == sampled
        assert drawn_ids.trace_context(lines).endswith(b"-01" if sampled else b"-00")
    assert len({drawn_ids.request_id(lines) for lines in taken}) == len(taken)
    assert 150 < sum(map(drawn_ids.is_sampled, taken)) < 400


def test_an_unsampled_request_has_the_ids_that_servers_get() -> None:
    unsampled = new_trace(DrawnIds(request_ids=True, bound=b"0").take(), Random())
    assert isinstance(unsampled, UnsampledTrace)
    assert re.fullmatch(rb"[0-9a-f]{32}-[0-9a-f]{16}", unsampled.ids)
    assert unsampled.header_lines() == b"\r\ntraceparent: 00-%b-00" % unsampled.ids


def test_a_sampled_request_has_the_ids_that_were_drawn() -> None:
    lines = DrawnIds(request_ids=True, bound=b"g").take()
    trace = new_trace(lines, Random())
    assert isinstance(trace, Trace)
    assert trace.ids == drawn_ids.trace_ids(lines)


@pytest.mark.parametrize(("request_ids", "bound", "expected"), KINDS)
def test_the_log_shows_drawn_ids_alone_and_beside_others(
    request_ids: bool, bound: bytes, expected: bytes
) -> None:
    drawn = DrawnIds(request_ids=request_ids, bound=bound)
    lines = [drawn.take() for _ in range(3)]
    together = list(zip(*id_columns(lines), strict=True))
    assert list(zip(*id_columns([*lines, (b"own", b"")]), strict=True))[:3] == together
    for line, (request, trace, span, *again) in zip(lines, together, strict=True):
        logged = [each for each in (request, trace, span) if isinstance(each, str)]
        assert logged == [each.decode() for each in re.fullmatch(expected, line).groups()]
        assert again == [trace, span]
