"""What lies beneath an error that a library has wrapped."""

from __future__ import annotations

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and all beneath it: the SDKs and requests wrap in causes, in contexts and in arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        beneath = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [each for each in beneath if isinstance(each, BaseException)]
