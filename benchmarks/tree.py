"""Which processes belong to a proxy: a root and everything below it, read from /proc/PID/stat (proc(5))."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; times are in clock ticks, `started` counts from the machine's start.

    `own` is what its threads have used, `reaped` what its ended and waited-for children had used
    (with theirs).
    """

    pid: int
    parent: int
    own: int
    reaped: int
    started: int


def parse_stat(text: str) -> Process:
    """Read one /proc/PID/stat; raises ValueError when it is not one."""
    head, found, tail = text.rpartition(")")
    fields = tail.split()
    if not found or len(fields) < 20:
        raise ValueError(f"not a /proc/PID/stat line: {text!r}")
    # Counted from after the name, which may itself hold spaces and parentheses: field 3 is fields[0].
    user, system, child_user, child_system = (int(value) for value in fields[11:15])
    return Process(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        own=user + system,
        reaped=child_user + child_system,
        started=int(fields[19]),
    )


def snapshot() -> dict[int, Process]:
    """All processes of this machine by pid."""
    processes = {}
    for entry in PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            process = parse_stat((entry / "stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended between the listing and the reading.
        processes[process.pid] = process
    return processes


def descendants_of(processes: Mapping[int, Process], root: int) -> tuple[Process, ...]:
    """`root` and its descendants among `processes`, parents before children; empty when it is gone."""
    children = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process)
    found = [processes[root]] if root in processes else []
    for process in found:
        found.extend(children[process.pid])
    return tuple(found)


def members(root: int) -> tuple[Process, ...]:
    """The living processes of the tree under `root`."""
    return descendants_of(snapshot(), root)
