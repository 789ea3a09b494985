"""When a ticket is prefetched, and how long it is held."""

import pytest

from proxy.balancing import ticket_prefetch as module
from proxy.balancing.ticket_prefetch import LONGEST_GAP, STREAK_LENGTH, TicketPrefetch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def record_streak(prefetch: TicketPrefetch, service: str = "a", first: int = 1) -> int:
    """Record a streak of sufficient length, and return its last ticket."""
    for ticket in range(first, first + STREAK_LENGTH + 1):
        assert not prefetch.due
        prefetch.record(service, ticket)
    assert prefetch.due
    return first + STREAK_LENGTH


def test_after_a_streak_tickets_are_prefetched(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = record_streak(prefetch)
    for ticket in range(last + 1, last + 10):
        prefetch.switch(ticket)
        clock[0] += LONGEST_GAP / 2
        assert prefetch.take() == ticket
        assert prefetch.due
    assert prefetch.take() == 0


def test_a_pause_ends_the_streak_and_discards_the_ticket(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    prefetch.switch(record_streak(prefetch) + 1)
    clock[0] += LONGEST_GAP * 1.1
    assert prefetch.take() == 0
    assert not prefetch.due


def test_a_ticket_of_another_client_ends_the_streak(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = record_streak(prefetch)
    prefetch.switch(last + 2)
    assert not prefetch.due
    assert prefetch.take() == last + 2, "the held ticket itself is still valid"
    prefetch = TicketPrefetch()
    last = record_streak(prefetch)
    prefetch.record("a", last + 2)
    assert not prefetch.due


def test_another_service_ends_the_streak(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    last = record_streak(prefetch)
    prefetch.record("b", last + 1)
    assert not prefetch.due


def test_requests_with_pauses_between_them_are_no_streak(clock: list[float]) -> None:
    prefetch = TicketPrefetch()
    for ticket in range(2 * STREAK_LENGTH):
        prefetch.record("a", ticket)
        clock[0] += LONGEST_GAP * 1.1
    assert not prefetch.due
