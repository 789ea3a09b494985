"""Ids that are drawn many at a time."""

import re
from random import Random

from proxy.telemetry.random_ids import DRAWN, Ids, drawn
from proxy.telemetry.tracing.trace import UnsampledTrace, bound_of
from proxy.telemetry.tracing.tracer import Tracer
from rondpoint.settings import Tracing


def test_each_id_is_another_one() -> None:
    ids = Ids()
    found = [ids.take() for _ in range(3 * DRAWN)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(rb"[0-9a-f]{32}", each) for each in found)


class Zeros(Random):
    def randbytes(self, n: int) -> bytes:
        return bytes(n)


def test_no_id_is_zero() -> None:
    found = drawn(Zeros(), 32)
    assert len(found) == 32 * DRAWN
    assert b"0" * 16 not in found


def test_an_id_is_sampled_below_the_bound_of_its_rate() -> None:
    assert [bound_of(rate) for rate in (0.0, 0.5, 1.0)] == [b"0" * 16, b"8" + b"0" * 15, b"g"]


def test_an_unsampled_request_is_named_as_servers_are_told() -> None:
    tracer = Tracer(Tracing(sample_rate=0.0))
    tracer._draw()
    assert len(tracer._drawn) == DRAWN
    part = tracer._drawn[0]
    assert isinstance(part, UnsampledTrace)
    trace, span = part.names()
    assert part.lines() == f"\r\ntraceparent: 00-{trace}-{span}-00".encode()
