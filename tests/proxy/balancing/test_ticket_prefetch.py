"""When a ticket is asked for ahead, and how long it is held."""

import pytest

from proxy.balancing import ticket_prefetch as module
from proxy.balancing.ticket_prefetch import PAUSE, STREAK_LENGTH, TicketPrefetch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def streak(prefetch: TicketPrefetch, service: str = "a", first: int = 1) -> int:
    """Long enough; the last ticket of it."""
    for ticket in range(first, first + STREAK_LENGTH + 1):
        assert not prefetch.wanted
        prefetch.count(service, ticket)
    assert prefetch.wanted
    return first + STREAK_LENGTH


def test_a_streak_is_followed_by_tickets_asked_for_ahead(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = streak(prefetch)
    for ticket in range(last + 1, last + 10):
        prefetch.switch(ticket)
        clock[0] += PAUSE / 2
        assert prefetch.take() == ticket
        assert prefetch.wanted
    assert prefetch.take() == 0


def test_a_pause_ends_it_and_lets_the_ticket_go(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    prefetch.switch(streak(prefetch) + 1)
    clock[0] += PAUSE * 1.1
    assert prefetch.take() == 0
    assert not prefetch.wanted


def test_somebody_elses_ticket_ends_it(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = streak(prefetch)
    prefetch.switch(last + 2)
    assert not prefetch.wanted
    assert prefetch.take() == last + 2, "the ticket itself is as good as any"
    prefetch = TicketPrefetch()
    last = streak(prefetch)
    prefetch.count("a", last + 2)
    assert not prefetch.wanted


def test_another_service_ends_it(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = streak(prefetch)
    prefetch.count("b", last + 1)
    assert not prefetch.wanted


def test_pauses_in_between_are_no_streak(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    for ticket in range(2 * STREAK_LENGTH):
        prefetch.count("a", ticket)
        clock[0] += PAUSE * 1.1
    assert not prefetch.wanted
