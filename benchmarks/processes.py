"""Starts a program on one core, and ends it with all its descendants."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.tree import Process, members, snapshot

STOP_SECONDS = 10.0
TAIL_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Launch:
    """A command with its additional environment variables and its working directory."""

    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunningProgram:
    """A started program; `pid` is the root of its tree."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def require_alive(self) -> None:
        """Raise BenchmarkError, with the end of its output, if it has ended."""
        status = self.process.poll()
        if status is not None:
            raise BenchmarkError(f"{self.process.args!r} ended with status {status}:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-TAIL_CHARACTERS:]


def program(name: str, hint: str) -> str:
    """Return a program's path. Raises BenchmarkError, with `hint` how to install it, if it is missing."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise BenchmarkError(f"{name} is missing: {hint}")
    return path


def on_core(core: int, command: Sequence[str]) -> list[str]:
    """Return `command` pinned to one core, together with its descendants."""
    return [program("taskset", "Debian package util-linux"), "--cpu-list", str(core), *command]


def free_ports(count: int) -> list[int]:
    """Return TCP ports that are free on the loopback address; each is held until all are chosen."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


@contextmanager
def running(launch: Launch, core: int | None, name: str) -> Iterator[RunningProgram]:
    """Run `launch` on `core` (None: any) with its output in a file; leaving ends its process tree by pid."""
    log = launch.directory / f"{name}.log"
    # If the benchmark itself is killed, the kernel sends the program a SIGTERM.
    death_signal = [program("setpriv", "Debian package util-linux"), "--pdeathsig", "TERM"]
    command = launch.command if core is None else on_core(core, launch.command)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*death_signal, *command],
            cwd=launch.directory,
            env={**os.environ, **launch.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield RunningProgram(process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    tree = members(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for survivor in _survivors(tree):
        with suppress(ProcessLookupError):
            os.kill(survivor.pid, signal.SIGKILL)


def _survivors(tree: Sequence[Process]) -> list[Process]:
    # The same pid with another start time is another process.
    current = snapshot()
    return [old for old in tree if old.pid in current and current[old.pid].started == old.started]
