"""The thread that asks: one event loop, in which each server is asked at its service's own pace."""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import uniform

from discovery.health.check_plan import Look, Subject, pause, planned
from discovery.health.check_request import first_question
from discovery.health.prober import Asker, UndecidedError
from discovery.health.server_states import remembered
from discovery.providers.stopping import on_stop
from rondpoint.model import Configuration
from rondpoint.store.state import State

logger = logging.getLogger(__name__)

AT_ONCE = 1000
"""Servers asked at the same time, at most; fewer where descriptors are short."""

SPREAD = 0.5
"""Seconds over which first checks are spread, so that thousands do not come at once."""


NOTHING = Configuration()


class Checks:
    """Asks the servers of the configuration that it was told to follow last.

    `faults` says of each server that is down why. It is replaced whole, `version` grows, and `on_change` is
    called from the thread of the checks, whenever it changes by what a server answered. The other methods are
    for the one thread that publishes.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.faults: Mapping[Subject, str] = {}
        self.version = 0
        self._on_change = on_change
        self._plan: dict[Subject, Look] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._replanned = asyncio.Event()

    def follow(self, configuration: Configuration) -> None:
        """Check the servers of this configuration, and of no other: what was known of others is forgotten."""
        plan = planned(configuration)
        if plan == self._plan:
            return
        with self._lock:
            self._plan = plan
            self.faults = {subject: fault for subject, fault in self.faults.items() if subject in plan}
        self._wake()

    def rest(self) -> None:
        """Check nothing: another agent does."""
        self.follow(NOTHING)

    def recall(self, state: State | None) -> None:
        """Take the servers that are down in the store to be down, until they have been asked."""
        if state is not None:
            with self._lock:
                self.faults = {**remembered(state), **self.faults}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, on_stop(stop, self._wake):
            runner.run(self._work(stop))

    def _wake(self) -> None:
        # A loop that has ended needs no waking.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._replanned.set)

    async def _work(self, stop: threading.Event) -> None:
        asker, free = Asker(), asyncio.Semaphore(_at_once())
        looks: dict[Subject, Look] = {}
        tasks: dict[Subject, asyncio.Task[None]] = {}
        while not stop.is_set():
            plan = self._plan
            for subject in [each for each, look in looks.items() if plan.get(each) != look]:
                del looks[subject]
                tasks.pop(subject).cancel()
            for subject in plan.keys() - looks.keys():
                looks[subject] = plan[subject]
                tasks[subject] = asyncio.create_task(self._watch(subject, plan[subject], asker, free))
            await self._replanned.wait()
            self._replanned.clear()

    async def _watch(self, subject: Subject, look: Look, asker: Asker, free: asyncio.Semaphore) -> None:
        check, question = look.check, first_question(look.server, look.check)
        failures, proven = 0, False
        await asyncio.sleep(uniform(0, min(SPREAD, check.interval)))  # noqa: S311 (jitter, not a secret)
        while True:
            try:
                async with free:
                    fault = await asker.ask(question, check)
            except UndecidedError as error:
                logger.warning("server %s of service %s cannot be checked: %s", subject[1], subject[0], error)
            except Exception:
                # A fault of ours with one server must not end its checks, and with them its state, for good.
                logger.exception(
                    "checking server %s of service %s failed unexpectedly", subject[1], subject[0]
                )
            else:
                failures = failures + 1 if fault else 0
                proven = proven or not fault
                self._note(subject, look, fault)
            await asyncio.sleep(pause(check, failures, proven=proven))

    def _note(self, subject: Subject, look: Look, fault: str) -> None:
        with self._lock:
            before = self.faults.get(subject, "")
            # The plan may have gone on while the server was being asked.
            if fault == before or self._plan.get(subject) != look:
                return
            faults = {**self.faults, subject: fault}
            if not fault:
                del faults[subject]
            self.faults = faults
            self.version += 1
        if not fault:
            logger.info("server %s of service %s is well again", subject[1], subject[0])
        self._on_change()


def _at_once() -> int:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return AT_ONCE if descriptors == resource.RLIM_INFINITY else max(1, min(AT_ONCE, descriptors // 2))
