"""The leadership of an agent, which ends by its own clock unless it is extended."""

import math
import time

from discovery.leadership import Leadership, permanent


def test_an_agent_leads_until_the_time_that_its_lease_gives() -> None:
    leadership = Leadership()
    assert not leadership.held
    leadership.extend(time.monotonic() + 60)
    assert leadership.held
    leadership.extend(time.monotonic() - 0.001)
    assert not leadership.held
    assert permanent().held


def test_an_ended_leadership_is_not_held() -> None:
    leadership = Leadership(math.inf)
    leadership.end()
    assert not leadership.held


def test_listeners_are_called_when_the_leadership_begins_and_not_when_it_goes_on() -> None:
    leadership, calls = Leadership(), []
    with leadership.on_gain(lambda: calls.append("gained")):
        leadership.extend(math.inf)
        leadership.extend(math.inf)
        assert calls == ["gained"]
        leadership.end()
        leadership.extend(math.inf)
        assert calls == ["gained"] * 2
    leadership.end()
    leadership.extend(math.inf)
    assert calls == ["gained"] * 2
