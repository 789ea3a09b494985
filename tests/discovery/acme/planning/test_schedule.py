"""Tests of the times of renewals and attempts."""

import pytest

from discovery.acme.planning.schedule import outage_delay, retry_delay, time_in_window
from rondpoint.tls.renewal import renewal_time

DAY = 86400.0


@pytest.mark.parametrize("days", [1, 6, 90, 398])
def test_renewals_begin_when_a_third_of_the_life_is_left_and_are_spread(days: int) -> None:
    life = days * DAY
    times = [renewal_time(1000.0, 1000.0 + life, f"id {number}") for number in range(200)]
    latest = 1000.0 + life - life / 3
    assert all(latest - life / 30 <= each <= latest for each in times)
    assert max(times) - min(times) > life / 40
    assert times[7] == renewal_time(1000.0, 1000.0 + life, "id 7")


def test_the_time_in_a_window_is_spread_over_it_and_stays_the_same() -> None:
    times = [time_in_window(100.0, 200.0, f"id {number}") for number in range(200)]
    assert 100 <= min(times) < 105
    assert 195 < max(times) <= 200
    assert time_in_window(100.0, 200.0, "id 3") == times[3]
    assert time_in_window(100.0, 50.0, "id") == 100.0


def test_a_name_that_fails_is_tried_at_most_five_times_in_an_hour_and_never_given_up() -> None:
    delays = [retry_delay(failures, "id") for failures in range(1, 40)]
    assert 60 <= delays[0] <= 75
    attempts, elapsed = 1, 0.0
    for delay in delays:
        elapsed += delay
        attempts += elapsed < 3600
    assert attempts <= 5
    assert max(delays) <= 6 * 3600 * 1.25


def test_a_ca_that_is_down_is_tried_again_soon_and_every_five_minutes_at_most() -> None:
    assert [outage_delay(failures) for failures in (1, 2, 3, 7, 100)] == [5, 10, 20, 300, 300]
