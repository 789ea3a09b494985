"""Ticks of one process coincide; those of different processes are spread."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from rondpoint import ticks
from rondpoint.ticks import next_tick, seconds_to_tick


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr(ticks, "monotonic", lambda: clock[0])
    return clock


def test_timers_that_begin_at_different_times_fire_together(now: list[float]) -> None:
    first = now[0] = next_tick(2.0)
    for since in (0.001, 0.4, 0.9, 1.3, 1.98):
        now[0] = first + since
        assert next_tick(2.0) == pytest.approx(first + 2.0)
        assert seconds_to_tick(2.0) == pytest.approx(2.0 - since)


@pytest.mark.parametrize("early", [0.0, 1e-9, 0.005])
def test_a_timer_that_fires_early_waits_for_the_next_tick(now: list[float], early: float) -> None:
    tick = next_tick(1.0)
    now[0] = tick - early
    assert next_tick(1.0) == pytest.approx(tick + 1.0)


def test_ticks_of_longer_intervals_coincide_with_those_of_shorter_ones(now: list[float]) -> None:
    now[0] = next_tick(6.0) - 0.5
    assert seconds_to_tick(1.0) == seconds_to_tick(2.0) == seconds_to_tick(3.0) == pytest.approx(0.5)


def test_processes_have_different_ticks(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for pid in range(4000, 4008):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        found.append(next_tick(1.0))
    found.sort()
    assert min(later - earlier for earlier, later in pairwise(found)) > 0.05
