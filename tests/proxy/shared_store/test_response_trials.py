"""When requests wait for the store, by its response times."""

import pytest

from proxy.shared_store.response_trials import FIRST_PAUSE, LONGEST_PAUSE, TRIALS_REQUIRED, ResponseTrials


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trials(clock: Clock) -> ResponseTrials:
    return ResponseTrials(clock)


def pass_trials(trials: ResponseTrials) -> None:
    assert [trials.passed_trial() for _ in range(TRIALS_REQUIRED)] == [False] * (TRIALS_REQUIRED - 1) + [True]
    assert not trials.degraded


def test_requests_wait_only_after_enough_trials_in_a_row(trials: ResponseTrials) -> None:
    assert trials.degraded
    trials.passed_trial()
    trials.late_trial()
    assert trials.pause == FIRST_PAUSE
    pass_trials(trials)


def test_a_single_late_reply_may_be_chance(trials: ResponseTrials, clock: Clock) -> None:
    pass_trials(trials)
    clock.seconds += 2 * LONGEST_PAUSE
    trials.degrade()
    assert trials.late_reply()
    assert not trials.degraded


def test_pauses_double_up_to_the_longest_while_the_store_is_late_again_soon(
    trials: ResponseTrials, clock: Clock
) -> None:
    pass_trials(trials)
    pauses = []
    for _ in range(6):
        clock.seconds += LONGEST_PAUSE / 2
        trials.degrade()
        assert not trials.late_reply()
        pauses.append(trials.pause)
        pass_trials(trials)
    assert pauses == [
        FIRST_PAUSE,
        2 * FIRST_PAUSE,
        4 * FIRST_PAUSE,
        8 * FIRST_PAUSE,
        LONGEST_PAUSE,
        LONGEST_PAUSE,
    ]


def test_a_store_that_was_in_time_for_long_starts_without_a_pause(
    trials: ResponseTrials, clock: Clock
) -> None:
    pass_trials(trials)
    trials.degrade()
    assert trials.pause == FIRST_PAUSE
    pass_trials(trials)
    clock.seconds += 2 * LONGEST_PAUSE
    trials.degrade()
    assert trials.pause == 0


def test_a_broken_connection_forgets_the_trials_before(trials: ResponseTrials) -> None:
    trials.passed_trial()
    trials.passed_trial()
    trials.degrade()
    pass_trials(trials)
