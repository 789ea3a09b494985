"""In-flight counts that processes share, also after one of them has ended."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.limits.in_flight_counts import SharedCounts, cells_of

KEY, OTHER = b"key", b"other"


@contextmanager
def worker(counts: SharedCounts, work: Callable[[], None]) -> Iterator[int]:
    """Run a process that does its work and keeps running; yield its row."""
    row = counts.claim()
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        counts.begin()
        work()
        os.write(write, b"!")
        signal.pause()
    counts.assign(row, pid)
    assert os.read(read, 1) == b"!"
    try:
        yield row
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)


def enter(counts: SharedCounts, key: bytes, times: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(times):
            counts.add(cells_of(key))

    return work


def free_entries(counts: SharedCounts, key: bytes, limit: int) -> int:
    """Return how many more may enter."""
    cells, entered = cells_of(key), 0
    while counts.add_up_to(limit, cells):
        entered += 1
    for _ in range(entered):
        counts.remove(cells)
    return entered


def test_the_limit_number_may_enter_and_others_after_they_leave() -> None:
    counts, cells = SharedCounts(), cells_of(KEY)
    assert counts.add_up_to(2, cells)
    assert counts.add_up_to(2, cells)
    assert not counts.add_up_to(2, cells)
    assert counts.add_up_to(1, cells_of(OTHER))
    counts.remove(cells)
    assert free_entries(counts, KEY, 2) == 1
    assert not counts.add_up_to(0, cells)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60))
def test_every_key_has_its_own_count(steps: list[tuple[int, bool]]) -> None:
    counts = SharedCounts(rows=1)
    held = [0] * 5
    for number, comes in steps:
        cells = cells_of(b"%d" % number)
        if comes:
            entered = counts.add_up_to(3, cells)
            assert entered == (held[number] < 3)
            held[number] += entered
        elif held[number]:
            counts.remove(cells)
            held[number] -= 1


def test_a_thousand_keys_hardly_affect_each_other() -> None:
    counts = SharedCounts(rows=1)
    for number in range(1000):
        counts.add(cells_of(b"busy %d" % number))
    refused = sum(not counts.add_up_to(1, cells_of(b"idle %d" % number)) for number in range(1000))
    assert refused < 10


def test_processes_count_together() -> None:
    counts = SharedCounts()
    with worker(counts, enter(counts, KEY, 3)) as one, worker(counts, enter(counts, KEY, 2)) as two:
        assert one != two
        row = counts.claim()
        assert row not in {one, two}
        assert free_entries(counts, KEY, 10) == 5
        assert free_entries(counts, OTHER, 10) == 10


def test_the_row_of_a_killed_process_is_cleared_for_the_next() -> None:
    counts = SharedCounts()
    with worker(counts, enter(counts, KEY, 3)) as row:
        pass
    assert counts.claim() == row
    assert free_entries(counts, KEY, 10) == 10


def test_a_row_has_one_owner() -> None:
    counts = SharedCounts(rows=2)
    with worker(counts, enter(counts, KEY, 1)) as one, worker(counts, enter(counts, KEY, 1)) as two:
        assert {one, two} == {0, 1}
        # The third process counts alone.
        with worker(counts, enter(counts, KEY, 5)) as three:
            assert three == -1
        counts.begin()
        assert free_entries(counts, KEY, 4) == 4


def test_a_reused_process_id_frees_its_old_row() -> None:
    counts = SharedCounts()
    with worker(counts, enter(counts, KEY, 3)) as row:
        pid = next(owner for owner in counts._owners if owner)
        second = counts.claim()
        assert second != row
        counts.assign(second, pid)
        assert [counts._owners[row], counts._owners[second]] == [0, pid]
        assert free_entries(counts, KEY, 10) == 10
