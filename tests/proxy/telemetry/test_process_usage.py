"""Process metrics, from files like those in /proc and from the real /proc."""

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from proxy.telemetry.exposition.process_usage import Stat, parse_stat, read_processes
from tests.lab.processes import Processes
from tests.lab.waiting import until

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")

# A process name may contain the separators of other fields.
LINE = "{pid} (a) b (c) S 1 7 7 0 -1 4194560 11 12 0 0 {own} 5 {reaped} 6 20 0 3 0 99 {virtual} {pages} 0 0\n"


def process(proc: Path, pid: int, own: int, reaped: int, children: str = "") -> None:
    """Write the files of a process with 1000 bytes of address space and two pages of memory."""
    (proc / str(pid) / "task" / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "task" / str(pid) / "children").write_text(children)
    line = LINE.format(pid=pid, own=own, reaped=reaped, virtual=1000, pages=2)
    (proc / str(pid) / "stat").write_text(line)
    (proc / str(pid) / "fd").mkdir()


def test_any_process_name_is_parsed() -> None:
    line = LINE.format(pid=7, own=100, reaped=30, virtual=4096, pages=3)
    assert parse_stat(line.encode()) == Stat(105, 36, 4096, 3 * PAGE)


def test_a_malformed_stat_line_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of"):
        parse_stat(b"cpu 1 2 3")


def test_master_workers_and_ended_children_are_added_up(tmp_path: Path) -> None:
    process(tmp_path, 7, 100, 1000, "8 9 ")
    process(tmp_path, 8, 20, 0)
    process(tmp_path, 9, 3, 0)
    found = read_processes(7, tmp_path)
    assert found
    assert found.cpu_seconds == (1123 + 3 * (5 + 6)) / TICKS
    assert (found.virtual, found.resident) == (3000, 6 * PAGE)
    assert found.max_fds == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_nothing_is_reported_if_the_kernel_lists_no_children(tmp_path: Path) -> None:
    process(tmp_path, 7, 100, 0)
    (tmp_path / "7" / "task" / "7" / "children").unlink()
    assert read_processes(7, tmp_path) is None
    assert read_processes(8, tmp_path) is None


def test_nothing_is_reported_if_a_worker_cannot_be_read(tmp_path: Path) -> None:
    process(tmp_path, 7, 100, 0, "8 ")
    assert read_processes(7, tmp_path) is None


WORKERS_COME_AND_GO = """
import os, signal, time
going = []
signal.signal(signal.SIGTERM, lambda *_: going.append(True))
count = 0
while not going:
    if not os.fork():
        while time.process_time() < 0.02:
            pass
        os._exit(0)
    os.wait()
    count += 1
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("came and went:", count, flush=True)
time.sleep(600)
"""


def test_the_sum_never_falls_while_workers_come_and_go(processes: Processes) -> None:
    master = processes(sys.executable, "-c", WORKERS_COME_AND_GO)
    seen: list[float] = []

    def enough() -> bool:
        assert master.running, master.log
        # Without a pause, so that some readings meet a worker that is just ending.
        readings = [read_processes(master.pid) for _ in range(20)]
        seen.extend(found.cpu_seconds for found in readings if found)
        return len(seen) > 100 and seen[-1] - seen[0] > 1

    until(enough, "a hundred readings, in which fifty workers have started and ended", timeout=60)
    assert seen == sorted(seen)
    master.signal(signal.SIGTERM)
    count = int(master.wait_for_line(r"came and went: (\d+)")[1])
    whole = read_processes(master.pid)
    assert whole
    assert whole.cpu_seconds >= max(seen[-1], count * 0.02 * 0.9)
    assert whole.open_fds == len(list(Path(f"/proc/{master.pid}/fd").iterdir()))
