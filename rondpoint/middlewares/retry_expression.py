"""The conditions for retries of buffered requests: `IsNetworkError() && Attempts() <= 2`."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from rondpoint.middlewares import condition


class RetryTest(Struct, frozen=True):
    """A comparison of a function's result with a number or text; `IsNetworkError` is compared with nothing.

    `operator` is one of `< <= > >= == !=`, for a text one of the last two.
    """

    function: str
    operator: str = "=="
    value: int | str = 0


Condition: TypeAlias = condition.Condition[RetryTest]
