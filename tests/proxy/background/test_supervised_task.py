"""Background tasks restart after an unexpected failure."""

import logging

import gevent
import pytest

from proxy.background import supervised_task as module
from proxy.background.supervised_task import supervised


def test_a_failure_is_logged_and_the_task_starts_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.001)
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise LookupError(f"fault {len(runs)}")

    with caplog.at_level(logging.ERROR), gevent.Timeout(10):
        supervised(run)
    assert len(runs) == 3
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["fault 1", "fault 2"]


def test_a_task_can_be_killed() -> None:
    greenlet = gevent.spawn(supervised, lambda: gevent.sleep(3600))
    gevent.sleep(0)
    greenlet.kill(timeout=10)
    assert greenlet.dead
