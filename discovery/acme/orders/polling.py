"""Waits for the CA, which sends no events: asks again at the pace that it wants."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure

FIRST_DELAY = 0.1
LAST_DELAY = 5.0
GROWTH = 1.5

T = TypeVar("T")


def poll(
    connection: AccountConnection,
    url: str,
    kind: type[T],
    finished: Callable[[T], bool],
    *,
    timeout: float,
    subject: str,
) -> T:
    """Ask for the document at `url` until it is `finished`, and return it.

    Raises OrderError, also if that takes longer than `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    delay = FIRST_DELAY
    while True:
        document = connection.ca.decode(connection.post(url, None, subject), kind, subject)
        if finished(document):
            return document
        wanted = connection.ca.retry_at - time.time()
        wait = wanted if wanted > 0 else delay
        if time.monotonic() + wait > deadline:
            raise OrderError(
                OrderFailure(
                    FailureKind.UNREACHABLE,
                    f"the authority did not finish {subject} within {timeout:g} s",
                    "Rondpoint continues the same order later by itself",
                )
            )
        connection.ca.wait(wait)
        delay = min(delay * GROWTH, LAST_DELAY)
