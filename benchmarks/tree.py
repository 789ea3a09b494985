"""Finds the processes of a proxy: a root and its descendants, read from /proc/PID/stat (proc(5))."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process; times are in clock ticks, `started` counts from boot.

    `own` is the CPU time of its threads, `reaped` that of its ended and reaped descendants.
    """

    pid: int
    parent: int
    own: int
    reaped: int
    started: int


def parse_stat(text: str) -> Process:
    """Parse a /proc/PID/stat. Raises ValueError if it is none."""
    head, found, tail = text.rpartition(")")
    fields = tail.split()
    if not found or len(fields) < 20:
        raise ValueError(f"not a /proc/PID/stat line: {text!r}")
    # Fields are counted after the name, which may contain spaces and parentheses: field 3 is fields[0].
    user, system, child_user, child_system = (int(value) for value in fields[11:15])
    return Process(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        own=user + system,
        reaped=child_user + child_system,
        started=int(fields[19]),
    )


def snapshot() -> dict[int, Process]:
    """Return all processes of this machine by pid."""
    processes = {}
    for entry in PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            process = parse_stat((entry / "stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended before its file was read.
        processes[process.pid] = process
    return processes


def descendants_of(processes: Mapping[int, Process], root: int) -> tuple[Process, ...]:
    """Return `root` and its descendants, parents before children; empty if `root` does not exist."""
    children = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process)
    found = [processes[root]] if root in processes else []
    for process in found:
        found.extend(children[process.pid])
    return tuple(found)


def members(root: int) -> tuple[Process, ...]:
    """Return the running processes of the tree under `root`."""
    return descendants_of(snapshot(), root)


def short_command(pid: int) -> str:
    """Return a process's command line without directories and flags. Raises FileNotFoundError."""
    command = (PROC / str(pid) / "cmdline").read_bytes().decode().replace("\0", " ")
    return " ".join(Path(word).name for word in command.split() if not word.startswith("-"))[:60]
