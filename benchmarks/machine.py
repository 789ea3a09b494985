"""What the figures were measured on, without anything that names the machine."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """Names are as the system gives them; `memory` is in bytes."""

    system: str
    kernel: str
    processor: str
    cores: int
    memory: int
    python: str


def parse_processor(cpuinfo: str) -> str:
    """The model's name in /proc/cpuinfo; "unknown" where there is none, as on some architectures."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def parse_busy(stat: str) -> tuple[int, int]:
    """Clock ticks of all cores since the machine's start in /proc/stat (proc(5)): at work, and in all.

    Time that the hypervisor gave to others counts as work: it was not ours to use either.
    """
    ticks = [int(value) for value in stat.splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def busy_share(seconds: float) -> float:
    """How busy (0 to 1) this machine is without us, watched for so long."""
    file = Path("/proc/stat")
    work_before, all_before = parse_busy(file.read_text())
    time.sleep(seconds)
    work, everything = parse_busy(file.read_text())
    return (work - work_before) / max(1, everything - all_before)


def describe() -> Machine:
    """What we run on."""
    return Machine(
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        kernel=platform.release(),
        processor=parse_processor(Path("/proc/cpuinfo").read_text()),
        cores=os.cpu_count() or 1,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        python=platform.python_version(),
    )
