"""Finds, kills and suspends the worker processes of a proxy."""

import os
import signal
from pathlib import Path

from tests.lab.installation import Installation
from tests.lab.processes import descendants, state_of
from tests.lab.waiting import until


def workers(instance: Installation) -> set[int]:
    """Return the current process ids, including those of leaving workers."""
    return set(descendants(instance.process.pid))


def kill(instance: Installation, pid: int) -> None:
    """Kill one and wait for its end; its replacement may have started by then."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in workers(instance), "the end of the killed worker")


def wait_for_replacements(instance: Installation, old: set[int]) -> None:
    """Wait until as many new workers run and all old ones have ended."""

    def replaced() -> bool:
        current = workers(instance)
        return len(current) == len(old) and not current & old

    until(replaced, "replacements of all workers", timeout=90)


def suspend(pid: int) -> None:
    """Suspend a process, and wait until it is stopped: after the signal it may run for a moment."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state_of(pid) == "T", "the process to be suspended")


def client_ports(pid: int, port: int) -> set[int]:
    """Return the client ports of a process's connections to local `port`."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes and int(fields[1].split(":")[1], 16) == port:
            found.add(int(fields[2].split(":")[1], 16))
    return found


def descriptors(pid: int) -> int:
    """Return the number of open descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
