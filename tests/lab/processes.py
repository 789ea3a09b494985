"""Runs child processes: keeps their output, waits for a line or a port, stops them without orphans."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.errors import LabError
from tests.lab.namespace import connect

CONNECT_INTERVAL = 0.01  # seconds between attempts to connect
DRAIN = 5.0
"""Seconds to read the output of an ended program; the whole time only if an orphan holds the pipe."""


def installed(name: str) -> str:
    """Return the path of a command in the virtual environment of the tests: `rondpoint`, `gunicorn`."""
    return str(Path(sys.executable).parent / name)


class Process:
    """A running program; its `log` is stdout and stderr together."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        enter: Sequence[str] = (),
    ) -> None:
        """Start it; `environment` extends that of this process, `enter` is a prefix of the command line."""
        self.name = name or Path(arguments[0]).name
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [*enter, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            cwd=directory,
        )
        self._reader = threading.Thread(target=self._read, name=f"log of {self.name}", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name=f"end of {self.name}", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill() if kind else self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """The output so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for_line(
        self, pattern: str, timeout: float = 60.0, *, after: int = 0, count: int = 1
    ) -> re.Match[str]:
        """Wait for the `count`th line that matches, from line `after` on; return the match.

        Raises LabError, with the log, if the process ends or `timeout` seconds pass before.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for number, line in enumerate(self._lines[after:], after):
                    after = number + 1
                    if found := re.search(pattern, line):
                        count -= 1
                        if not count:
                            return found
                if self._ended:
                    raise self.failure(f"ended before it wrote {pattern!r}")
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise self.failure(f"did not write {pattern!r} within {timeout} s")

    @property
    def line_count(self) -> int:
        """The number of lines in the log; as `after` it makes `wait_for_line` skip these lines."""
        with self._changed:
            return len(self._lines)

    def wait_for_port(
        self,
        port: int,
        *,
        address: str = "127.0.0.1",
        namespace: Path | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Wait until the port accepts. Raises LabError, with the log, as `wait_for_line` does."""
        deadline = time.monotonic() + timeout
        while True:
            with suppress(OSError):
                connect(address, port, namespace=namespace, timeout=timeout).close()
                return
            if not self.running:
                raise self.failure(f"ended before port {port} accepted")
            if time.monotonic() >= deadline:
                raise self.failure(f"did not accept on port {port} within {timeout} s")
            with self._changed:
                self._changed.wait(CONNECT_INTERVAL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._process.send_signal(number)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait until it ends by itself and the log is complete; return the exit status.

        Raises LabError if it does not end within `timeout` seconds.
        """
        status = self._status(timeout)
        self._reader.join(DRAIN)
        return status

    def stop(self, timeout: float = 60.0) -> int:
        """Send SIGTERM and return the exit status.

        If it still runs after `timeout` seconds or leaves a child running, kill what remains and raise
        LabError with the log.
        """
        family = descendants(self.pid)
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            status = self._status(timeout)
        except LabError:
            self.kill()
            raise
        orphans = kill_all(family, grace=5.0)
        self._reader.join(DRAIN)
        if orphans:
            raise self.failure(f"ended by SIGTERM and left {', '.join(orphans)} running")
        return status

    def kill(self) -> None:
        """Kill it and every descendant with SIGKILL; it may have ended already."""
        family = descendants(self.pid)
        self._process.kill()
        self._process.wait()
        kill_all(family, grace=0.0)
        self._reader.join(DRAIN)

    def failure(self, event: str) -> LabError:
        """Return an error with the log."""
        return LabError(f"{self.name} (pid {self.pid}) {event}; its log:\n{self.log or '(empty)'}")

    def _status(self, timeout: float) -> int:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failure(f"still runs after {timeout} s") from None

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace"))
                self._changed.notify_all()

    def _wait(self) -> None:
        # A grandchild may keep the pipe open long after the process has ended.
        self._process.wait()
        self._reader.join(DRAIN)
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Processes:
    """The processes of one test: pytest shows their logs if it fails; all are stopped after it."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    def __call__(
        self,
        *arguments: str | Path,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        enter: Sequence[str] = (),
    ) -> Process:
        """Start a process, as `Process` does; a bare `rondpoint` or `gunicorn` means the tested one."""
        program = arguments[0]
        if Path(installed(str(program))).exists():
            arguments = (installed(str(program)), *arguments[1:])
        process = Process(arguments, name=name, environment=environment, directory=directory, enter=enter)
        self.started.append(process)
        return process

    def stop(self) -> None:
        """Stop all, the last one first. Raises the first LabError after all have ended."""
        failures = []
        for process in reversed(self.started):
            try:
                process.stop()
            except LabError as error:
                failures.append(error)
        if failures:
            raise failures[0]


def descendants(pid: int) -> list[int]:
    """Return the current descendants of a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int(_stat(entry)[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    pending = [pid]
    while pending:
        found += (direct := children.get(pending.pop(), []))
        pending += direct
    return found


def state_of(pid: int) -> str:
    """Return the state letter of proc(5): `T` for stopped, `Z` for a zombie.

    Raises OSError if there is no process.
    """
    return _stat(Path(f"/proc/{pid}"))[0]


def _stat(process: Path) -> list[str]:
    # The command's name, in parentheses, may contain spaces and parentheses.
    return (process / "stat").read_text().rpartition(")")[2].split()


def kill_all(pids: Iterable[int], *, grace: float) -> list[str]:
    """Wait up to `grace` seconds until all end, kill the rest, and return their command lines."""
    deadline = time.monotonic() + grace
    killed = []
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                if select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    continue
                killed.append(f"{command_line(pid)} (pid {pid})")
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                select.select([descriptor], [], [], 5.0)
            finally:
                os.close(descriptor)
    return killed


def command_line(pid: int) -> str:
    """Return the command line of a process; empty if there is none."""
    with suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        )
    return ""
