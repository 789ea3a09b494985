"""Makes several blocking calls at the same time, in threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")


def call_each(call: Callable[[A], R], arguments: Iterable[A], limit: int) -> list[R]:
    """Call with each argument, `limit` of them at the same time; return the results in the same order.

    If a call raises, no further call begins, and its exception is raised as soon as the others have returned.
    """
    waiting = deque(enumerate(arguments))
    results: dict[int, R] = {}
    faults: list[Exception] = []

    def work() -> None:
        while True:
            try:
                number, argument = waiting.popleft()
            except IndexError:
                return
            try:
                results[number] = call(argument)
            except Exception as fault:  # noqa: BLE001 - it is raised in the thread that waits
                faults.append(fault)
                waiting.clear()

    # The process must not wait for a call at its end, so the threads are daemons; an executor's are not.
    threads = [
        threading.Thread(target=work, name="concurrent-calls", daemon=True)
        for _ in range(min(limit, len(waiting)))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if faults:
        raise faults[0]
    return [results[number] for number in range(len(results))]
