"""Tests of the rotation on a busy machine, where a worker with a late ticket counts locally for a while."""

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.lab import http
from tests.lab.waiting import until

T = TypeVar("T")


class Reporting(Protocol):
    """A proxy with so many workers, and an admin entry point at this port."""

    admin: int
    workers: int


def local_tickets(proxy: Reporting) -> int:
    """Return how many requests were served without the store's tickets, in all workers."""
    found: dict[int, int] = {}

    def all_responded() -> bool:
        status = json.loads(http.request(proxy.admin, "localhost", "/api/rawdata").body)
        found[status["worker"]["pid"]] = status["store"]["localTickets"]
        return len(found) == proxy.workers

    until(all_responded, "every worker's count of tickets")
    return sum(found.values())


def undisturbed(proxy: Reporting, take: Callable[[], T | None]) -> T:
    """Repeat `take` until the store was never late during it, and return its result.

    `take` returns None if it was disturbed itself.
    """
    for _ in range(40):
        before = local_tickets(proxy)
        taken = take()
        if taken is not None and local_tickets(proxy) == before:
            return taken
    raise AssertionError("the machine is so busy that the store was late each time")
