"""Ids that are drawn many at a time."""

import re
from random import Random

from proxy.telemetry.random_ids import IDS_PER_DRAW, RandomIds, draw_ids
from proxy.telemetry.tracing.trace import UnsampledTrace, sampling_bound
from proxy.telemetry.tracing.tracer import Tracer
from rondpoint.settings import Tracing


def test_each_id_is_another_one() -> None:
    ids = RandomIds()
    found = [ids.take() for _ in range(3 * IDS_PER_DRAW)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(rb"[0-9a-f]{32}", each) for each in found)


class Zeros(Random):
    def randbytes(self, n: int) -> bytes:
        return bytes(n)


def test_no_id_is_zero() -> None:
    found = draw_ids(Zeros(), 32)
    assert len(found) == 32 * IDS_PER_DRAW
    assert b"0" * 16 not in found


def test_an_id_is_sampled_below_the_bound_of_its_rate() -> None:
    assert [sampling_bound(rate) for rate in (0.0, 0.5, 1.0)] == [b"0" * 16, b"8" + b"0" * 15, b"g"]


def test_an_unsampled_request_is_named_as_servers_are_told() -> None:
    tracer = Tracer(Tracing(sample_rate=0.0))
    tracer._draw()
    assert len(tracer._prepared) == IDS_PER_DRAW
    part = tracer._prepared[0]
    assert isinstance(part, UnsampledTrace)
    trace, span = part.ids()
    assert part.header_lines() == f"\r\ntraceparent: 00-{trace}-{span}-00".encode()
