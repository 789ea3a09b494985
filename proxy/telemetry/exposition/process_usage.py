"""What master and workers of this instance use together, as the kernel tells it (proc(5))."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from msgspec import Struct

from proxy.telemetry.instance import STARTED_AT

PROC = Path("/proc")

TRIES = 20
"""Readings before it is given up to meet master and workers with none of them coming or going meanwhile."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(Struct, frozen=True):
    """One process. `own` are clock ticks of its threads, `reaped` those of its children that have ended and
    were waited for, with theirs; memory is in bytes.
    """

    own: int
    reaped: int
    virtual: int
    resident: int


class Processes(Struct, frozen=True):
    """Sums over processes in seconds and bytes; `open_fds` is None where they may not be counted.

    `max_fds` is what a process may open, `started_at` when the master began, in Unix seconds.
    """

    cpu_seconds: float
    virtual: int
    resident: int
    open_fds: int | None
    max_fds: int
    started_at: float


def parse_stat(line: bytes) -> Stat:
    """Of /proc/PID/stat. Raises ValueError when it is none."""
    # The name, in parentheses, may have spaces and parentheses itself: fields count from after it.
    fields = line.rpartition(b")")[2].split()
    if len(fields) < 22:
        raise ValueError(f"no line of /proc/PID/stat: {line!r}")
    user, system, reaped_user, reaped_system = map(int, fields[11:15])
    return Stat(user + system, reaped_user + reaped_system, int(fields[20]), int(fields[21]) * _PAGE)


def read_processes(master: int, proc: Path = PROC) -> Processes | None:
    """Of this master and its children; None where the kernel tells nothing of them."""
    for _ in range(TRIES):
        try:
            children = _children(master, proc)
            # The master first: a worker that is gone by its turn is looked for in the master anew, so that
            # what it has used is told once, by either.
            every = [_stat(pid, proc) for pid in (master, *children)]
            open_fds = _open_fds((master, *children), proc)
            # While one process ends, another may be missing in the list.
            whole = _children(master, proc) == children
        except PermissionError:
            return None
        except (FileNotFoundError, ProcessLookupError):
            if not (proc / str(master) / "task" / str(master) / "children").exists():
                return None
            continue
        if whole:
            return Processes(
                sum(stat.own + stat.reaped for stat in every) / _TICKS,
                sum(stat.virtual for stat in every),
                sum(stat.resident for stat in every),
                open_fds,
                resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                STARTED_AT,
            )
    return None


def _children(pid: int, proc: Path) -> tuple[int, ...]:
    # Those of its first thread, by which workers are started.
    return tuple(map(int, (proc / str(pid) / "task" / str(pid) / "children").read_bytes().split()))


def _stat(pid: int, proc: Path) -> Stat:
    return parse_stat((proc / str(pid) / "stat").read_bytes())


def _open_fds(pids: tuple[int, ...], proc: Path) -> int | None:
    try:
        return sum(_fds(proc / str(pid) / "fd") for pid in pids)
    except PermissionError:
        return None


def _fds(directory: Path) -> int:
    # Since Linux 6.2 the directory's size is their number, and saves a list of thousands.
    return directory.stat().st_size or sum(1 for _ in directory.iterdir())
