"""The limits of copies that a worker holds, and their counts."""

import pytest

from proxy.mirroring import copy_budget
from proxy.mirroring.copy_budget import MAX_BYTES, MAX_COPIES, CopyBudget


def test_bytes_can_be_reserved_up_to_the_limit_and_again_after_their_release() -> None:
    budget = CopyBudget()
    assert budget.reserve(MAX_BYTES - 1)
    assert not budget.reserve(2)
    assert budget.reserve(1)
    budget.release(2)
    assert budget.reserve(2)
    assert budget.held == MAX_BYTES


def test_copies_can_begin_up_to_the_limit_and_again_after_others_have_ended() -> None:
    budget = CopyBudget()
    assert all(budget.begin() for _ in range(MAX_COPIES))
    assert not budget.begin()
    budget.end(sent=True)
    assert budget.begin()
    budget.end(sent=False)
    assert (budget.active, budget.sent, budget.failed) == (MAX_COPIES - 1, 1, 1)


def test_dropped_copies_are_all_counted_and_warned_of_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr(copy_budget, "monotonic", lambda: now)
    budget = CopyBudget()
    for _ in range(3):
        budget.drop(2, "app")
    assert len(caplog.messages) == 1
    assert "app" in caplog.messages[0]
    now += copy_budget.WARNING_INTERVAL
    budget.drop(1, "app")
    assert (budget.dropped, len(caplog.messages)) == (7, 2)
