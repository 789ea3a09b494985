"""The supervisor with a provider whose calls of `watch` do what a test says, one after the other."""

import logging
import threading
from collections.abc import Callable

import pytest

from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.supervision import supervisor
from discovery.supervision.provider_states import ProviderStates
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity

Turn = Callable[[Emit], None]

NOTED = Configuration(diagnostics=(Diagnostic(Severity.NOTE, "scripted", "subject", "message"),))


class Scripted:
    """A provider; after its last turn, the agent ends."""

    name = "scripted"

    def __init__(self, *turns: Turn) -> None:
        self._turns = list(turns)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        turn = self._turns.pop(0)
        if not self._turns:
            stop.set()
        turn(emit)


def fail(error: Exception) -> Turn:
    def turn(emit: Emit) -> None:
        raise error

    return turn


def end(emit: Emit) -> None:
    pass


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ProviderStates]:
    """Run a provider with these turns until the last one has ended; return its states."""
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.001)
    monkeypatch.setattr(supervisor, "LAST_DELAY", 0.001)

    def run(*turns: Turn) -> ProviderStates:
        states = ProviderStates([Scripted.name])
        supervisor.supervise(Scripted(*turns), states, threading.Event())
        return states

    return run


FAULTS: dict[str, tuple[Turn, str]] = {
    "a fault of the source": (fail(ProviderError("it is down", "start it")), "it is down (start it)"),
    "a bug": (fail(KeyError("x")), "a bug in Rondpoint: KeyError('x')"),
    "an end": (end, "it ended without an error"),
}


@pytest.mark.parametrize(("turn", "message"), FAULTS.values(), ids=FAULTS)
def test_after_a_fault_the_last_configuration_stays(
    supervise: Callable[..., ProviderStates], turn: Turn, message: str
) -> None:
    def emit_and_fail(emit: Emit) -> None:
        emit(NOTED)
        turn(emit)

    found = supervise(emit_and_fail, turn, end).snapshot()
    assert (found.statuses["scripted"].state, found.statuses["scripted"].message) == ("retrying", message)
    assert found.configurations == {"scripted": NOTED}


def test_a_repeated_fault_is_one_warning(
    supervise: Callable[..., ProviderStates], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, supervisor.logger.name)
    down = fail(ProviderError("it is down"))
    supervise(down, down, lambda emit: emit(NOTED), end)
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", "provider scripted: it is down"),
        ("DEBUG", "provider scripted: it is down"),
        ("INFO", "provider scripted: available again"),
        ("WARNING", "provider scripted: it ended without an error"),
    ]


def test_a_configuration_that_comes_after_the_end_is_ignored(
    supervise: Callable[..., ProviderStates],
) -> None:
    found = supervise(lambda emit: emit(NOTED)).snapshot()
    assert found.pending == {"scripted"}
