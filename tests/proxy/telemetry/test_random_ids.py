"""Random ids drawn in batches."""

import re
from random import Random

from proxy.telemetry.random_ids import IDS_PER_DRAW, RandomIds, draw_ids
from proxy.telemetry.tracing.trace import UnsampledTrace, sampling_bound
from proxy.telemetry.tracing.tracer import Tracer
from rondpoint.settings import Tracing


def test_ids_do_not_repeat() -> None:
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


def test_an_unsampled_request_has_the_ids_that_servers_get() -> None:
    tracer = Tracer(Tracing(sample_rate=0.0))
    tracer._prepare()
    assert len(tracer._prepared) == IDS_PER_DRAW
    unsampled = tracer._prepared[0]
    assert isinstance(unsampled, UnsampledTrace)
    assert re.fullmatch(rb"[0-9a-f]{32}-[0-9a-f]{16}", unsampled.ids)
    assert unsampled.header_lines() == b"\r\ntraceparent: 00-%b-00" % unsampled.ids
