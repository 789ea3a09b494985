"""Deadlines that are near are enforced by a timer, without the sweeper."""

from time import monotonic

import gevent
from gevent.event import Event

from proxy.net.deadlines import NEVER, expire_at


class Stream:
    """A stream that is open until it expires."""

    def __init__(self) -> None:
        self.deadline = NEVER
        self.expired = Event()

    def expire(self) -> None:
        # As that of an HTTP/2 stream, it may wait.
        gevent.sleep(0)
        self.expired.set()


def test_a_near_deadline_is_exact() -> None:
    stream = Stream()
    deadline = monotonic() + 0.02
    expire_at(stream, deadline)
    assert stream.expired.wait(30)
    assert monotonic() >= deadline


def test_a_deadline_that_has_passed_counts_at_once() -> None:
    stream = Stream()
    expire_at(stream, monotonic() - 1)
    assert stream.expired.wait(30)


def test_a_stream_with_another_deadline_meanwhile_stays_open() -> None:
    stream, other = Stream(), Stream()
    deadline = monotonic() + 0.01
    expire_at(stream, deadline)
    expire_at(other, deadline)
    stream.deadline = NEVER
    assert other.expired.wait(30)
    gevent.sleep(0)
    assert not stream.expired.is_set()
