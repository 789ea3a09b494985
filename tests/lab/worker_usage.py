"""What a worker of a running proxy uses: memory and CPU time, by /proc."""

import os
import re
from pathlib import Path

from tests.lab.processes import Process

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class WorkerUsage:
    """The newest worker of the process; figures count from the creation of this object."""

    def __init__(self, process: Process) -> None:
        pids = re.findall(r"Booting worker with pid: (\d+)", process.log)
        self._folder = Path("/proc", pids[-1])
        self._memory_before = self._memory()
        self._cpu_before = self._cpu()

    @property
    def memory(self) -> int:
        """The growth of its resident memory, in bytes."""
        return self._memory() - self._memory_before

    @property
    def cpu(self) -> float:
        """The CPU time that it has used, in seconds."""
        return self._cpu() - self._cpu_before

    @property
    def sockets(self) -> int:
        """The number of its open sockets."""
        found = 0
        for descriptor in (self._folder / "fd").iterdir():
            try:
                found += str(descriptor.readlink()).startswith("socket:")
            except FileNotFoundError:
                # It was closed since the folder was listed.
                continue
        return found

    def _memory(self) -> int:
        return int((self._folder / "statm").read_text().split()[1]) * _PAGE

    def _cpu(self) -> float:
        # The name of the program may contain spaces; the fields behind it do not.
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
