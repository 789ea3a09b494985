"""Runs child processes, restarts them after failures, and ends them in order.

The supervisor polls nothing. It sleeps until it gets a signal (SIGCHLD among them), a child reports that
it is ready, or a restart is due.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from rondpoint.cli.child import ChildSpec, StartError, spawn
from rondpoint.cli.readiness import VARIABLE, ReadinessSocket
from rondpoint.cli.signals import SignalReceiver
from rondpoint.cli.store_readiness import wait_for_store

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 30.0
# After this time a failure counts as new: the delay before the restart starts from the shortest again.
_STABLE_SECONDS = 10.0
_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


class _Child:
    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.restart_at: float | None = None
        self.was_ready = False


class Supervisor:
    """Runs child processes until SIGTERM or SIGINT.

    Children start in the given order and end in the opposite order. `on_ready` is called once, after a
    child with `notifies_ready` has reported that it is ready. `report` gets one line for each failure of
    a child.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        readiness_socket: ReadinessSocket,
        environment: Mapping[str, str],
        *,
        on_ready: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._readiness_socket = readiness_socket
        self._environment = {name: value for name, value in environment.items() if name != VARIABLE}
        self._on_ready = on_ready
        self._report = report
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Run until the end; return 0 after a signal, or the exit code of the child that cannot start."""
        numbers = (signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1, *_STOP_SIGNALS)
        with SignalReceiver(numbers) as signals, self._selector:
            self._selector.register(signals.fileno(), selectors.EVENT_READ)
            self._selector.register(self._readiness_socket.fileno(), selectors.EVENT_READ)
            try:
                for child in self._children:
                    self._start(child)
                code = self._watch(signals)
            except StartError as fault:
                self._report(str(fault))
                code = 1
            finally:
                self._stop_all(signals)
        return code

    def _watch(self, signals: SignalReceiver) -> int:
        while True:
            self._selector.select(self._seconds_until_restart())
            for number in signals.receive():
                if number in _STOP_SIGNALS:
                    return 0
                if number in (signal.SIGHUP, signal.SIGUSR1):
                    self._forward_signal(number)
            if self._readiness_socket.receive_ready():
                self._mark_ready()
            for child, code in self._reap():
                if code in child.spec.final_exit_codes and not child.was_ready:
                    self._report(f"{child.spec.name} cannot start ({_exit_cause(code)})")
                    return code
                self._schedule_restart(child, _exit_cause(code))
            self._restart_due_children()

    def _start(self, child: _Child) -> None:
        environment = self._environment
        if child.spec.notifies_ready:
            environment = {**environment, VARIABLE: str(self._readiness_socket.path)}
        child.restart_at, child.started = None, time.monotonic()
        child.process = spawn(child.spec, environment)
        if child.spec.store_socket:
            wait_for_store(child.process, child.spec.store_socket)

    def _restart_due_children(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.restart_at is None or child.restart_at > now:
                continue
            try:
                self._start(child)
            except StartError as fault:
                self._kill(child)
                self._schedule_restart(child, str(fault))

    def _seconds_until_restart(self) -> float | None:
        times = [child.restart_at for child in self._children if child.restart_at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _schedule_restart(self, child: _Child, cause: str) -> None:
        now = time.monotonic()
        child.failures = 0 if now - child.started > _STABLE_SECONDS else child.failures + 1
        delay = min(_FIRST_DELAY * 2 ** min(child.failures, 16), _LONGEST_DELAY)
        child.restart_at = now + delay
        self._report(f"{child.spec.name} has ended ({cause}); it restarts in {delay:g} s")

    def _mark_ready(self) -> None:
        notifying = [child for child in self._children if child.spec.notifies_ready]
        first = not all(child.was_ready for child in notifying)
        for child in notifying:
            child.was_ready = True
        if first:
            self._on_ready()

    def _forward_signal(self, number: signal.Signals) -> None:
        """Send SIGHUP to the children that reload, or SIGUSR1 to the children that reopen log files."""
        for child in self._children:
            expects_it = child.spec.reloads if number == signal.SIGHUP else child.spec.reopens_logs
            if expects_it and child.process is not None:
                child.process.send_signal(number)

    def _reap(self) -> list[tuple[_Child, int]]:
        """Return the children that have ended, with exit codes; send SIGTERM to the processes that they left.

        All child processes are reaped, not only those that the supervisor started: as process 1 of a
        container it becomes the parent of every orphan.
        """
        ended: list[tuple[_Child, int]] = []
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return ended
            if info is None:
                return ended
            child = self._find_child(info.si_pid)
            if child is not None:
                # Until it is reaped, the kernel cannot reuse its process id or its process group id.
                _signal_group(info.si_pid, signal.SIGTERM)
            _, status = os.waitpid(info.si_pid, 0)
            if child is not None and child.process is not None:
                child.process.returncode = os.waitstatus_to_exitcode(status)
                ended.append((child, child.process.returncode))
                child.process = None

    def _find_child(self, pid: int) -> _Child | None:
        children = (child for child in self._children if child.process is not None)
        return next((child for child in children if child.process and child.process.pid == pid), None)

    def _stop_all(self, signals: SignalReceiver) -> None:
        may_wait = True
        for child in reversed(self._children):
            if child.process is None or child.process.returncode is not None:
                continue
            may_wait = self._stop(child, signals) if may_wait else self._kill(child)

    def _stop(self, child: _Child, signals: SignalReceiver) -> bool:
        """Stop one child; return whether to wait for the others, which a second stop signal forbids."""
        assert child.process is not None  # noqa: S101 - the caller has looked
        child.process.terminate()
        deadline = time.monotonic() + child.spec.grace
        while child.process is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                self._report(f"{child.spec.name} did not end within {child.spec.grace:g} s; killing it")
                self._kill(child)
                return True
            self._selector.select(left)
            self._readiness_socket.receive_ready()
            stop_now = any(number in _STOP_SIGNALS for number in signals.receive())
            self._reap()
            if stop_now:
                self._kill(child)
                return False
        return True

    def _kill(self, child: _Child) -> bool:
        """Kill the child and its process group; return False: do not wait for other children."""
        process, child.process = child.process, None
        if process is not None and process.returncode is None:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        return False


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        # The group is empty (macOS raises PermissionError then).
        return


def _exit_cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name
