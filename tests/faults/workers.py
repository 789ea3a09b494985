"""The worker processes of a proxy, seen from outside."""

import os
import signal
from pathlib import Path

from tests.lab.installation import Installation
from tests.lab.processes import descendants, state_of
from tests.lab.waiting import until


def workers(instance: Installation) -> set[int]:
    """Their process ids now, of those that leave too."""
    return set(descendants(instance.process.pid))


def kill(instance: Installation, pid: int) -> None:
    """Kill one at once, and return when it is gone; a new one may be there by then."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in workers(instance), "the end of the killed worker")


def await_successors(instance: Installation, old: set[int]) -> None:
    """Return once as many others are there, and none of the old ones is left."""

    def replaced() -> bool:
        now = workers(instance)
        return len(now) == len(old) and not now & old

    until(replaced, "new workers in the place of all", timeout=90)


def stop(pid: int) -> None:
    """Have a process do nothing any more; it may be at something for a moment after it was told so."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state_of(pid) == "T", "the process at rest")


def peers(pid: int, port: int) -> set[int]:
    """The client ports of the connections to local `port` that a process holds."""
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            held.add(target[8:-1])
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in held and int(fields[1].split(":")[1], 16) == port:
            found.add(int(fields[2].split(":")[1], 16))
    return found


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
