"""Memory of processes as PSS: a page shared by n processes counts 1/n in each, so sums are correct."""

from __future__ import annotations

from benchmarks.tree import PROC, members


def parse_pss(text: str) -> int:
    """Return the bytes of PSS in a /proc/PID/smaps_rollup; 0 for a process without memory (a zombie)."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            amount, unit = value.split()
            if unit != "kB":
                raise ValueError(f"PSS in an unknown unit: {line!r}")
            return int(amount) * 1024
    return 0


def process_bytes(pid: int) -> int:
    """Return a process's bytes of PSS. Raises FileNotFoundError or ProcessLookupError without a process."""
    return parse_pss((PROC / str(pid) / "smaps_rollup").read_text())


class Peak:
    """The peak growth in bytes of a process's resident memory since this object was created."""

    def __init__(self, pid: int) -> None:
        self._status = PROC / str(pid) / "status"
        # Resets the high-water mark to the current resident size (proc(5)).
        (PROC / str(pid) / "clear_refs").write_text("5")
        self._before = self._field("VmRSS")

    def rise(self) -> int:
        return self._field("VmHWM") - self._before

    def _field(self, name: str) -> int:
        for line in self._status.read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise ValueError(f"no {name} in {self._status}")


def tree_bytes(root: int) -> int:
    """Return the bytes of PSS of the tree under `root`."""
    total = 0
    for process in members(root):
        try:
            total += process_bytes(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
