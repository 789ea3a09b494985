"""Runs the function of a Python middleware, which stops at `forward` until the response has arrived.

The function runs in a greenlet of its own, because the exchange goes on while it is in the middle of its
code. Its parent is the request's greenlet: both switch to each other directly, without the event loop.
Greenlets are used again, because each new one costs more than all the rest: it maps memory for its frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from greenlet import GreenletExit, getcurrent, greenlet

from proxy.background.loop_watchdog import watch_frames
from rondpoint.middleware.response import Response

if TYPE_CHECKING:
    from proxy.middlewares.python.proxied_request import ProxiedRequest
    from rondpoint.middleware.definition import Handle
    from rondpoint.middleware.request import Request

MAX_IDLE = 64
"""Greenlets kept for further calls; each holds some tens of KiB."""


class Failed(NamedTuple):
    """The outcome of a function that raised this."""

    error: BaseException


Outcome = Response | Failed

_idle: list[greenlet] = []


class PythonCall:
    """One call of the function of the middleware `name`."""

    __slots__ = ("_caller", "_forwarded", "_handle", "_outcome", "_request", "_worker", "name")

    def __init__(self, name: str, handle: Handle, request: ProxiedRequest) -> None:
        self.name = name
        self._handle = handle
        self._request = request
        self._forwarded = False
        self._outcome: Outcome | None = None
        self._caller = getcurrent()
        self._worker: greenlet | None = None

    @property
    def ended(self) -> bool:
        """Whether the function has returned, or was ended."""
        return self._worker is None

    def start(self) -> Outcome | None:
        """Run the function until it ends; return None if it has called `forward` instead."""
        if _idle:
            worker = _idle.pop()
            # What an earlier call has set there is no business of this one.
            worker.gr_context = None
        else:
            worker = greenlet(_run_calls)
            worker.switch()
        worker.parent = self._caller
        self._worker = worker
        return self._switch(self)

    def has_bytes(self) -> bool:
        return False

    def expire(self) -> None:
        """End the function, because the client has left while it waits for something."""
        if self._worker is not None:
            self._worker.throw(GreenletExit)

    def resume(self, response: Response) -> Outcome:
        """Let `forward` return this response, and run the function until it ends."""
        outcome = self._switch(response)
        assert outcome is not None  # noqa: S101
        return outcome

    def end(self) -> None:
        """End the function if it still runs: it gets GreenletExit."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.throw(GreenletExit)

    def _switch(self, value: PythonCall | Response) -> Outcome | None:
        worker = self._worker
        assert worker is not None  # noqa: S101
        try:
            worker.switch(value)
        except BaseException:
            # The request's greenlet was killed while the function waited for something.
            self.end()
            raise
        if self._outcome is not None:
            self._worker = None
            if len(_idle) < MAX_IDLE:
                _idle.append(worker)
        return self._outcome

    def run(self) -> None:
        """Call the function, and keep its outcome."""
        try:
            result = self._handle(self._request, self._forward)
        # Anything: neither SystemExit nor a timeout of the user's code may end the worker or its requests.
        except BaseException as error:  # noqa: BLE001
            self._outcome = Failed(error)
            return
        if isinstance(result, Response):
            self._outcome = result
        else:
            self._outcome = Failed(TypeError(f"a middleware must return a Response, not {result!r}"))

    def _forward(self, request: Request) -> Response:
        worker = self._worker
        if worker is None or getcurrent() is not worker:
            raise RuntimeError("forward must be called in the middleware's own greenlet, before it ends")
        if request is not self._request:
            raise TypeError("forward takes the request that the middleware got, and no other")
        if self._forwarded:
            raise RuntimeError("forward was called before: a request is forwarded at most once")
        self._request.apply(self.name)
        self._forwarded = True
        response: Response = self._caller.switch()
        return response


def _run_calls() -> None:
    while True:
        # The call is no argument of this function, which would keep it alive as long as the greenlet.
        call: PythonCall = getcurrent().parent.switch()  # type: ignore[union-attr]
        call.run()
        del call


watch_frames(PythonCall.run.__code__)
