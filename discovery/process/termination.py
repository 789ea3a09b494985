"""A process that works in a thread until a signal tells it to end."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

from rondpoint import logs

logger = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
REOPENING = signal.SIGUSR1


def work_until_told(name: str, work: Callable[[threading.Event], None]) -> None:
    """Run `work`, which returns soon after its event is set, until SIGTERM or SIGINT, or until it ends.

    SIGUSR1 has the log's file opened anew.

    Raises SystemExit with 1 when it failed; what it raised is logged, SystemExit aside.
    """
    # Waited for here rather than handled: a handler that sets an event deadlocks when it interrupts
    # the very thread that holds the event's lock. Threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*ENDING, REOPENING))
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except SystemExit as error:
            failed.append(error)
        except BaseException as error:
            logger.exception("the %s failed", name)
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    worker = threading.Thread(target=run, name=name, daemon=True)
    worker.start()
    while (told := signal.Signals(signal.sigwait((*ENDING, REOPENING)))) == REOPENING:
        logs.reopen()
    if not stop.is_set() and worker.is_alive() and not failed:
        logger.info("%s: the %s ends", told.name, name)
    stop.set()
    worker.join()
    if failed:
        raise SystemExit(1)
