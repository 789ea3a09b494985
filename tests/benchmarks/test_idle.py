"""The CPU time and the wake-ups of idle processes."""

import os
import threading
import time

import pytest

from benchmarks.idle import parse_waits, usage


def test_waits_are_the_voluntary_switches():
    text = "Name:\tpython3\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t345\n"
    assert parse_waits(text) == 12
    with pytest.raises(ValueError, match="voluntary"):
        parse_waits("Name:\tpython3\n")


def test_work_and_waits_of_all_threads_count():
    done, leave = threading.Event(), threading.Event()

    def work() -> None:
        for _ in range(5):
            time.sleep(0.001)
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        done.set()
        leave.wait()

    before = usage(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    done.wait()
    after = usage(os.getpid())
    leave.set()
    thread.join()
    assert after.nanoseconds - before.nanoseconds >= 10e6
    assert after.waits - before.waits >= 5
