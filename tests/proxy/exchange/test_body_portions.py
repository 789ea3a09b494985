"""Long bodies in portions."""

from itertools import pairwise
from time import monotonic

import gevent
import pytest

from proxy.exchange.body_portions import PORTION, feed_in_portions


class SlowFilter:
    """Takes a millisecond for each piece, and passes it on."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def feed(self, data: bytes) -> bytes:
        self.sizes.append(len(data))
        until = monotonic() + 0.001
        while monotonic() < until:
            pass
        return data

    def flush(self) -> bytes:
        return b""

    finish = flush


@pytest.mark.parametrize("size", [0, 1, PORTION, PORTION + 1, 3 * PORTION])
def test_a_filter_gets_portions(size: int) -> None:
    slow, body = SlowFilter(), (bytes(range(256)) * (size // 256 + 1))[:size]
    assert feed_in_portions(slow, body) == body
    assert max(slow.sizes) <= PORTION


def test_other_requests_run_between_portions() -> None:
    slow = SlowFilter()
    portions_at_turns: list[int] = []

    def other() -> None:
        while True:
            portions_at_turns.append(len(slow.sizes))
            gevent.sleep(0)

    greenlet = gevent.spawn(other)
    feed_in_portions(slow, bytes(40 * PORTION))
    greenlet.kill()
    seen = sorted({0, *portions_at_turns, 40})
    # Portions of a millisecond, and yields after two of them.
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 4
