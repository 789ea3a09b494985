"""Several blocking calls at the same time."""

from __future__ import annotations

import threading

import pytest

from discovery.http_client.concurrent_calls import call_each

LIMIT = 3


def test_the_results_have_the_order_of_the_arguments() -> None:
    second_done = threading.Event()

    def call(number: int) -> int:
        # The first call ends after the second.
        if number == 0:
            assert second_done.wait(60)
        if number == 1:
            second_done.set()
        return number * number

    assert call_each(call, range(10), LIMIT) == [number * number for number in range(10)]


def test_as_many_calls_as_the_limit_run_at_the_same_time() -> None:
    together = threading.Barrier(LIMIT)
    assert len(call_each(lambda _: together.wait(60), range(2 * LIMIT), LIMIT)) == 2 * LIMIT
    callers = set(call_each(lambda _: threading.current_thread(), range(100), LIMIT))
    assert len(callers) <= LIMIT


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_calls_than_the_limit(count: int) -> None:
    assert call_each(str, range(count), LIMIT) == ["0"][:count]


def test_after_a_fault_no_further_call_begins() -> None:
    begun = []

    def call(number: int) -> None:
        begun.append(number)
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        call_each(call, range(100), 1)
    assert begun == [0]


def test_a_fault_is_raised_after_the_other_calls_have_returned() -> None:
    together = threading.Barrier(2)
    failed, returned = threading.Event(), threading.Event()

    def call(number: int) -> None:
        together.wait(60)
        if number == 0:
            failed.set()
            raise ValueError("refused")
        assert failed.wait(60)
        returned.set()

    with pytest.raises(ValueError, match="refused"):
        call_each(call, range(2), 2)
    assert returned.is_set()
