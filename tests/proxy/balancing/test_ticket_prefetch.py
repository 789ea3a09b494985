"""When a ticket is asked for ahead, and how long it is held."""

import pytest

from proxy.balancing import ticket_prefetch as module
from proxy.balancing.ticket_prefetch import PAUSE, STREAK, Ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def streak(ahead: Ahead, service: str = "a", first: int = 1) -> int:
    """Long enough; the last ticket of it."""
    for ticket in range(first, first + STREAK + 1):
        assert not ahead.wanted
        ahead.count(service, ticket)
    assert ahead.wanted
    return first + STREAK


def test_a_streak_is_followed_by_tickets_asked_for_ahead(clock: list[float]) -> None:
    ahead = Ahead()
    last = streak(ahead)
    for ticket in range(last + 1, last + 10):
        ahead.switch(ticket)
        clock[0] += PAUSE / 2
        assert ahead.take() == ticket
        assert ahead.wanted
    assert ahead.take() == 0


def test_a_pause_ends_it_and_lets_the_ticket_go(clock: list[float]) -> None:
    ahead = Ahead()
    ahead.switch(streak(ahead) + 1)
    clock[0] += PAUSE * 1.1
    assert ahead.take() == 0
    assert not ahead.wanted


def test_somebody_elses_ticket_ends_it(clock: list[float]) -> None:
    ahead = Ahead()
    last = streak(ahead)
    ahead.switch(last + 2)
    assert not ahead.wanted
    assert ahead.take() == last + 2, "the ticket itself is as good as any"
    ahead = Ahead()
    last = streak(ahead)
    ahead.count("a", last + 2)
    assert not ahead.wanted


def test_another_service_ends_it(clock: list[float]) -> None:
    ahead = Ahead()
    last = streak(ahead)
    ahead.count("b", last + 1)
    assert not ahead.wanted


def test_pauses_in_between_are_no_streak(clock: list[float]) -> None:
    ahead = Ahead()
    for ticket in range(2 * STREAK):
        ahead.count("a", ticket)
        clock[0] += PAUSE * 1.1
    assert not ahead.wanted
