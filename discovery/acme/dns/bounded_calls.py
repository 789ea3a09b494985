"""Bounds calls that do not watch the stop event, or have no deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TypeVar

from discovery.acme.dns.errors import ProviderError, StoppedError
from discovery.connections.stopping import on_stop

T = TypeVar("T")
V = TypeVar("V")


def call_within(seconds: float | None, stop: threading.Event, what: str, function: Callable[[], T]) -> T:
    """Call `function` in a thread of its own; return its result or raise its exception.

    Raises ProviderError, which names `what`, after `seconds`; None is for a function with a deadline of its
    own. Raises StoppedError as soon as `stop` is set. The function then goes on in its daemon thread, because
    Python cannot interrupt it.
    """
    outcome = Future[T]()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            _finish(outcome.set_exception, error)
        else:
            _finish(outcome.set_result, result)

    def interrupt() -> None:
        _finish(outcome.set_exception, StoppedError(f"{what} was interrupted"))

    with on_stop(stop, interrupt):
        threading.Thread(target=run, name="dns-provider", daemon=True).start()
        try:
            return outcome.result(seconds)
        except TimeoutError:
            if outcome.done():
                raise
            raise ProviderError(f"{what} did not finish within {seconds:g} s") from None


def _finish(settle: Callable[[V], None], value: V) -> None:
    # Either side may come first; the caller takes the first outcome.
    with suppress(InvalidStateError):
        settle(value)
