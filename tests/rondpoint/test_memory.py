"""Freed memory goes back to the system."""

import os

from benchmarks.memory import process_bytes
from rondpoint.memory import return_free_memory


def test_memory_freed_below_memory_in_use_is_returned() -> None:
    # The C library returns by itself only what lies at the end of the heap.
    blocks = [bytes(2_000) for _ in range(20_000)]
    last = blocks.pop()
    blocks.clear()
    before = process_bytes(os.getpid())
    return_free_memory()
    assert before - process_bytes(os.getpid()) > 20_000_000
    assert len(last) == 2_000
