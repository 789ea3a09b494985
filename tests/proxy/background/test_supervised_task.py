"""What runs beside the requests goes on after a fault of ours."""

import logging

import gevent
import pytest

from proxy.background import supervised_task as module
from proxy.background.supervised_task import supervised


def test_what_fails_is_told_and_begins_anew(
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


def test_it_can_be_ended() -> None:
    greenlet = gevent.spawn(supervised, lambda: gevent.sleep(3600))
    gevent.sleep(0)
    greenlet.kill(timeout=10)
    assert greenlet.dead
