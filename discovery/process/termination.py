"""Runs a process's work in a thread until a signal stops it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

from rondpoint import logs

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
REOPEN_SIGNAL = signal.SIGUSR1


def run_until_signalled(name: str, work: Callable[[threading.Event], None]) -> None:
    """Run `work` until SIGTERM, SIGINT, or its own end; `work` returns soon after its event is set.

    SIGUSR1 reopens the log file. Raises SystemExit(1) if `work` failed; its exception is logged, unless it is
    SystemExit.
    """
    # This thread waits for signals, because a handler that sets an event deadlocks if it interrupts the
    # thread that holds the event's lock. Threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP_SIGNALS, REOPEN_SIGNAL))
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except SystemExit as error:
            failed.append(error)
        except BaseException as failure:
            logger.exception("the %s failed", name)
            failed.append(failure)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    worker = threading.Thread(target=run, name=name, daemon=True)
    worker.start()
    while (received := signal.Signals(signal.sigwait((*STOP_SIGNALS, REOPEN_SIGNAL)))) == REOPEN_SIGNAL:
        logs.reopen()
    if not stop.is_set() and worker.is_alive() and not failed:
        logger.info("%s: the %s is stopping", received.name, name)
    stop.set()
    worker.join()
    if failed:
        raise SystemExit(1)
