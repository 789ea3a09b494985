"""Unwraps library exceptions to find their root causes."""

from __future__ import annotations

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and all errors that it wraps.

    The SDKs and requests wrap errors as causes, as contexts and as arguments.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [each for each in wrapped if isinstance(each, BaseException)]
