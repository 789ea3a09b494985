"""Calls of Python middlewares: greenlets are used again, nothing of a call stays, and each call ends."""

import gc
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, cast

import gevent
import pytest
from gevent.event import Event
from greenlet import getcurrent

from proxy.middlewares.python import python_call
from proxy.middlewares.python.proxied_request import ProxiedRequest
from proxy.middlewares.python.python_call import MAX_IDLE, Failed, PythonCall
from rondpoint.middleware import Forward, Request, Response

VARIABLE = ContextVar("variable", default="unset")


class Value(Request):
    """A request that has nothing to apply."""

    def apply(self, name: str) -> None:
        self.context["applied"] = name


@pytest.fixture(autouse=True)
def none_idle() -> Iterator[None]:
    python_call._idle.clear()
    yield
    python_call._idle.clear()


def called(handle: Any, value: Value | None = None) -> PythonCall:
    return PythonCall("m@x", handle, cast("ProxiedRequest", value or Value()))


def test_forward_waits_until_the_response_is_there() -> None:
    value = Value()

    def handle(request: Request, forward: Forward) -> Response:
        response = forward(request)
        response.headers["X-A"] = "b"
        return response

    call = called(handle, value)
    assert call.start() is None
    assert value.context == {"applied": "m@x"}
    outcome = call.resume(Response(404))
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.headers["X-A"], call.ended) == (404, "b", True)


def test_greenlets_are_used_again_without_what_calls_have_set() -> None:
    seen: list[tuple[int, str]] = []

    def handle(request: Request, forward: Forward) -> Response:
        seen.append((id(getcurrent()), VARIABLE.get()))
        VARIABLE.set("set")
        return Response(204)

    for _ in range(3):
        called(handle).start()
    assert len({greenlet for greenlet, _ in seen}) == 1
    assert {value for _, value in seen} == {"unset"}
    assert VARIABLE.get() == "unset"


def test_few_idle_greenlets_are_kept() -> None:
    calls = [called(lambda request, forward: forward(request)) for _ in range(MAX_IDLE + 10)]
    for call in calls:
        assert call.start() is None
    for call in calls:
        call.resume(Response())
    assert len(python_call._idle) == MAX_IDLE


def test_nothing_of_a_call_stays() -> None:
    value = Value()
    reference = weakref.finalize(value, lambda: None)
    call = called(lambda request, forward: forward(request), value)
    call.start()
    call.resume(Response())
    del call, value
    gc.collect()
    assert not reference.alive


def test_an_exception_is_the_outcome() -> None:
    def handle(request: Request, forward: Forward) -> Response:
        raise SystemExit(3)

    outcome = called(handle).start()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, SystemExit)


@pytest.mark.parametrize("forwards", [False, True])
def test_a_killed_request_ends_its_call(forwards: bool) -> None:
    ended: list[str] = []

    def handle(request: Request, forward: Forward) -> Response:
        try:
            if not forwards:
                Event().wait()
            return forward(request)
        finally:
            # A cleanup may wait, too.
            gevent.sleep(0.001)
            ended.append("ended")

    def request() -> None:
        call = called(handle)
        try:
            call.start()
            Event().wait()
        finally:
            call.end()

    greenlet = gevent.spawn(request)
    gevent.sleep(0.01)
    assert not ended
    greenlet.kill()
    assert ended == ["ended"]


def test_a_call_that_waits_can_be_ended_by_the_event_loop() -> None:
    def handle(request: Request, forward: Forward) -> Response:
        Event().wait()
        return Response()

    call = called(handle)
    gevent.get_hub().loop.run_callback(call.expire)
    outcome = call.start()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, gevent.GreenletExit)
