"""Keeps children running, and ends them in order.

Nothing is polled: the supervisor sleeps until a signal comes (a child's death among them), a child says
that it is ready, or a restart is due.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rondpoint.cli.child import Spec, StartError, spawn
from rondpoint.cli.readiness import VARIABLE, Announcements
from rondpoint.cli.signals import Signals

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 30.0
# A child that has lived this long has started well: what ended it is a new trouble.
_STEADY_SECONDS = 10.0
_END = frozenset({signal.SIGTERM, signal.SIGINT})


@dataclass(slots=True)
class _Child:
    spec: Spec
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float | None = None
    been_ready: bool = False


class Supervisor:
    """Runs children until SIGTERM or SIGINT.

    They start in the order given and end in the opposite one. `on_ready` is called once, when the
    children that announce themselves have done so; `say` gets a line for every event worth knowing.
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        announcements: Announcements,
        environment: Mapping[str, str],
        *,
        on_ready: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._announcements = announcements
        self._environment = {name: value for name, value in environment.items() if name != VARIABLE}
        self._on_ready = on_ready
        self._say = say
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """The exit code: 0 after a signal, the child's own when one could not start and never will."""
        wanted = (signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1, *_END)
        with Signals(wanted) as signals, self._selector:
            self._selector.register(signals.fileno(), selectors.EVENT_READ)
            self._selector.register(self._announcements.fileno(), selectors.EVENT_READ)
            try:
                for child in self._children:
                    self._start(child)
                code = self._watch(signals)
            except StartError as fault:
                self._say(str(fault))
                code = 1
            finally:
                self._end(signals)
        return code

    def _watch(self, signals: Signals) -> int:
        while True:
            self._selector.select(self._until_due())
            for number in signals.take():
                if number in _END:
                    return 0
                if number in (signal.SIGHUP, signal.SIGUSR1):
                    self._pass_on(number)
            if self._announcements.ready():
                self._announced()
            for child, code in self._reap():
                if code in child.spec.final and not child.been_ready:
                    self._say(f"{child.spec.name} cannot start ({_ending(code)})")
                    return code
                self._postpone(child, _ending(code))
            self._start_due()

    def _start(self, child: _Child) -> None:
        environment = self._environment
        if child.spec.announces:
            environment = {**environment, VARIABLE: str(self._announcements.path)}
        child.due, child.started = None, time.monotonic()
        child.process = spawn(child.spec, environment)
        if child.spec.settle is not None:
            child.spec.settle(child.process)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.due is None or child.due > now:
                continue
            try:
                self._start(child)
            except StartError as fault:
                self._kill(child)
                self._postpone(child, str(fault))

    def _until_due(self) -> float | None:
        due = [child.due for child in self._children if child.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _postpone(self, child: _Child, why: str) -> None:
        now = time.monotonic()
        child.failures = 0 if now - child.started > _STEADY_SECONDS else child.failures + 1
        delay = min(_FIRST_DELAY * 2 ** min(child.failures, 16), _LONGEST_DELAY)
        child.due = now + delay
        self._say(f"{child.spec.name} has ended ({why}); it starts again in {delay:g} s")

    def _announced(self) -> None:
        announcing = [child for child in self._children if child.spec.announces]
        first = not all(child.been_ready for child in announcing)
        for child in announcing:
            child.been_ready = True
        if first:
            self._on_ready()

    def _pass_on(self, number: signal.Signals) -> None:
        """SIGHUP to those that reload, SIGUSR1 to those that have logs to open anew."""
        for child in self._children:
            wanted = child.spec.reloads if number == signal.SIGHUP else child.spec.logs
            if wanted and child.process is not None:
                child.process.send_signal(number)

    def _reap(self) -> list[tuple[_Child, int]]:
        """Children that have ended, and their codes; what they left behind is told to end too.

        Everything is waited for, not our children alone: as process 1 of a container, we are handed
        every orphan.
        """
        ended: list[tuple[_Child, int]] = []
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return ended
            if info is None:
                return ended
            child = self._child(info.si_pid)
            if child is not None:
                # Before it is waited for, its number, and its group's, cannot be anybody else's.
                _signal_group(info.si_pid, signal.SIGTERM)
            _, status = os.waitpid(info.si_pid, 0)
            if child is not None and child.process is not None:
                child.process.returncode = os.waitstatus_to_exitcode(status)
                ended.append((child, child.process.returncode))
                child.process = None

    def _child(self, pid: int) -> _Child | None:
        running = (child for child in self._children if child.process is not None)
        return next((child for child in running if child.process and child.process.pid == pid), None)

    def _end(self, signals: Signals) -> None:
        patient = True
        for child in reversed(self._children):
            if child.process is None or child.process.returncode is not None:
                continue
            patient = self._end_one(child, signals) if patient else self._kill(child)

    def _end_one(self, child: _Child, signals: Signals) -> bool:
        """False when a second signal asked not to wait any longer."""
        assert child.process is not None  # noqa: S101 - the caller has looked
        child.process.terminate()
        until = time.monotonic() + child.spec.grace
        while child.process is not None:
            left = until - time.monotonic()
            if left <= 0:
                self._say(f"{child.spec.name} did not end within {child.spec.grace:g} s and is killed")
                self._kill(child)
                return True
            self._selector.select(left)
            self._announcements.ready()
            impatient = any(number in _END for number in signals.take())
            self._reap()
            if impatient:
                self._kill(child)
                return False
        return True

    def _kill(self, child: _Child) -> bool:
        process, child.process = child.process, None
        if process is not None and process.returncode is None:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        return False


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        # Nobody is left in it (macOS says so by the second).
        return


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name
