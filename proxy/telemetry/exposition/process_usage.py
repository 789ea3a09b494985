"""Reads from /proc what master and workers of this instance use together (proc(5))."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from msgspec import Struct

from proxy.telemetry.instance import STARTED_AT

PROC = Path("/proc")

TRIES = 20
"""Attempts to read all processes while none starts or ends."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(Struct, frozen=True):
    """The usage of one process.

    `cpu_ticks` are clock ticks of its threads, `reaped_ticks` those of its ended children that it has waited
    for, and of theirs. Memory is in bytes.
    """

    cpu_ticks: int
    reaped_ticks: int
    virtual: int
    resident: int


class Processes(Struct, frozen=True):
    """The sums over master and workers, in seconds and bytes.

    `open_fds` is None if the kernel does not permit counting them. `max_fds` is the limit of one process,
    `started_at` the start time of the master in Unix seconds.
    """

    cpu_seconds: float
    virtual: int
    resident: int
    open_fds: int | None
    max_fds: int
    started_at: float


def parse_stat(line: bytes) -> Stat:
    """Parse the line of /proc/PID/stat. Raises ValueError if it is malformed."""
    # The name in parentheses may itself contain spaces and parentheses, so the fields start after it.
    fields = line.rpartition(b")")[2].split()
    if len(fields) < 22:
        raise ValueError(f"not a line of /proc/PID/stat: {line!r}")
    user, system, reaped_user, reaped_system = map(int, fields[11:15])
    return Stat(user + system, reaped_user + reaped_system, int(fields[20]), int(fields[21]) * _PAGE)


def read_processes(master: int, proc: Path = PROC) -> Processes | None:
    """Read the usage of this master and its children; return None if the kernel does not report it."""
    for _ in range(TRIES):
        try:
            children = _children(master, proc)
            # Read the master first: if a worker ends before it is read, everything is read again, so its
            # time counts exactly once, in the worker or in the master.
            stats = [_stat(pid, proc) for pid in (master, *children)]
            open_fds = _open_fds((master, *children), proc)
            # While a process ends, the kernel's list may lack another one.
            complete = _children(master, proc) == children
        except PermissionError:
            return None
        except (FileNotFoundError, ProcessLookupError):
            if not (proc / str(master) / "task" / str(master) / "children").exists():
                return None
            continue
        if complete:
            return Processes(
                sum(stat.cpu_ticks + stat.reaped_ticks for stat in stats) / _TICKS,
                sum(stat.virtual for stat in stats),
                sum(stat.resident for stat in stats),
                open_fds,
                resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                STARTED_AT,
            )
    return None


def _children(pid: int, proc: Path) -> tuple[int, ...]:
    # Children of the first thread, which starts the workers.
    return tuple(map(int, (proc / str(pid) / "task" / str(pid) / "children").read_bytes().split()))


def _stat(pid: int, proc: Path) -> Stat:
    return parse_stat((proc / str(pid) / "stat").read_bytes())


def _open_fds(pids: tuple[int, ...], proc: Path) -> int | None:
    try:
        return sum(_fds(proc / str(pid) / "fd") for pid in pids)
    except PermissionError:
        return None


def _fds(directory: Path) -> int:
    # Since Linux 6.2 the directory's size is the number of descriptors, which saves listing thousands.
    return directory.stat().st_size or sum(1 for _ in directory.iterdir())
