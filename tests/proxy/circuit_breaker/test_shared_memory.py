"""Circuit breakers in memory that processes share."""

import os

from proxy.circuit_breaker.breaker import GENERATION, LAST_USE, OPEN_UNTIL
from proxy.circuit_breaker.conditions import StatusRange
from proxy.circuit_breaker.shared_memory import REUSE_SECONDS, BreakerMemory, Slot
from proxy.circuit_breaker.statistics import Statistics

RANGES = (StatusRange(500, 600), StatusRange(0, 600))


def claim(memory: BreakerMemory, key: bytes, now: float = 100.0, row: int = 0) -> Slot | None:
    return memory.claim(key, now, row, lambda: 2)


def test_a_child_process_sees_the_state_and_adds_to_the_sums() -> None:
    memory = BreakerMemory(2)
    mine = claim(memory, b"a")
    assert mine is not None
    mine.state[OPEN_UNTIL] = 5.0
    child = os.fork()
    if not child:
        found = claim(memory, b"a", row=1)
        good = found is not None and found.state[OPEN_UNTIL] == 5.0
        if found is not None:
            Statistics(found.row, found.all_rows, RANGES).record(100.0, 1, 502, 0.1)
            found.state[OPEN_UNTIL] = 7.0
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert mine.state[OPEN_UNTIL] == 7.0
    statistics = Statistics(mine.row, mine.all_rows, RANGES)
    statistics.record(100.0, 1, 200, 0.1)
    assert statistics.sums(100.0, 1).network_error_ratio() == 0.5


def test_breakers_do_not_mix() -> None:
    memory = BreakerMemory(2, slots=2)
    slots = [claim(memory, key) for key in (b"a", b"b")]
    for number, slot in enumerate(slots):
        assert slot is not None
        slot.state[OPEN_UNTIL] = float(number)
        Statistics(slot.row, slot.all_rows, RANGES).record(100.0, 1, 500 + 2 * number, 0.1)
    for number, slot in enumerate(slots):
        assert slot is not None
        assert slot.state[OPEN_UNTIL] == number
        statistics = Statistics(slot.row, slot.all_rows, RANGES)
        assert statistics.sums(100.0, 1).network_error_ratio() == number


def test_a_slot_is_given_to_another_breaker_an_hour_after_its_last_use() -> None:
    memory = BreakerMemory(2, slots=1)
    first = claim(memory, b"a")
    assert first is not None
    first.state[OPEN_UNTIL] = 5.0
    Statistics(first.row, first.all_rows, RANGES).record(100.0, int(first.state[GENERATION]), 502, 0.1)
    assert claim(memory, b"b") is None
    first.state[LAST_USE] = 200.0
    assert claim(memory, b"b", 200.0 + REUSE_SECONDS) is None
    second = claim(memory, b"b", 201.0 + REUSE_SECONDS)
    assert second is not None
    assert second.state[OPEN_UNTIL] == 0
    assert second.state[GENERATION] == first.state[GENERATION]
    statistics = Statistics(second.row, second.all_rows, RANGES)
    assert statistics.sums(100.0, int(second.state[GENERATION])).network_error_ratio() == 0


def test_a_worker_without_a_row_shares_nothing() -> None:
    assert claim(BreakerMemory(2), b"a", row=-1) is None
