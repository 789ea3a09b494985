"""Whose turn it is, where the machine is busy: a worker whose ticket is late counts by itself for a while."""

import json
from collections.abc import Callable
from typing import TypeVar

from tests.lab import http
from tests.lab.waiting import until
from tests.proxy.running import Proxy

T = TypeVar("T")


def local_tickets(proxy: Proxy) -> int:
    """How many requests were served without the store's tickets, in all workers."""
    found: dict[int, int] = {}

    def all_told() -> bool:
        told = json.loads(http.request(proxy.admin, "localhost", "/api/rawdata").body)
        found[told["worker"]["pid"]] = told["store"]["localTickets"]
        return len(found) == proxy.workers

    until(all_told, "every worker's count of tickets")
    return sum(found.values())


def undisturbed(proxy: Proxy, take: Callable[[], T | None]) -> T:
    """What `take` gives while the store is never late, which it may be where the machine is busy.

    None of its own counts as disturbed, too.
    """
    for _ in range(40):
        before = local_tickets(proxy)
        taken = take()
        if taken is not None and local_tickets(proxy) == before:
            return taken
    raise AssertionError("the machine is so busy that each time something was late")
