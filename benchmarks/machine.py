"""Describes the machine of the measurement, without anything that identifies it."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """The machine's hardware and software, with the system's own names; `memory` is in bytes."""

    system: str
    kernel: str
    processor: str
    cores: int
    memory: int
    python: str


def parse_processor(cpuinfo: str) -> str:
    """Return the model name in /proc/cpuinfo; "unknown" if there is none, as on some architectures."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def parse_busy(stat: str) -> tuple[int, int]:
    """Return the busy and the total clock ticks of all cores since boot, from /proc/stat (proc(5)).

    Time that the hypervisor gave to other machines counts as busy: it was not available here either.
    """
    ticks = [int(value) for value in stat.splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def busy_share(seconds: float) -> float:
    """Measure for `seconds` how busy (0 to 1) this machine is without a benchmark."""
    file = Path("/proc/stat")
    work_before, all_before = parse_busy(file.read_text())
    time.sleep(seconds)
    work, everything = parse_busy(file.read_text())
    return (work - work_before) / max(1, everything - all_before)


def describe() -> Machine:
    """Return the description of this machine."""
    return Machine(
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        kernel=platform.release(),
        processor=parse_processor(Path("/proc/cpuinfo").read_text()),
        cores=os.cpu_count() or 1,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        python=platform.python_version(),
    )
