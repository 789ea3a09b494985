"""Delays between attempts."""

from discovery.connections.backoff import Backoff


def test_delays_double_up_to_the_last_and_are_shortened_at_random() -> None:
    for _ in range(50):
        backoff = Backoff(0.5, 30.0)
        for full in (0.5, 1, 2, 4, 8, 16, 30, 30):
            assert full / 2 <= backoff.next() <= full


def test_delays_are_random() -> None:
    assert len({Backoff(0.5, 30.0).next() for _ in range(50)}) > 40


def test_after_a_success_the_first_delay_is_used_again() -> None:
    backoff = Backoff(0.5, 30.0)
    for _ in range(8):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 0.5
