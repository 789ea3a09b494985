"""Tests of process trees: from text, from tables, and with real processes."""

import subprocess
import sys

import pytest

from benchmarks.cpu import TICKS_PER_SECOND, total_ticks, tree_seconds
from benchmarks.memory import parse_pss, tree_bytes
from benchmarks.tree import Process, descendants_of, members, parse_stat


def stat(name: str, pid: int = 42) -> str:
    return f"{pid} ({name}) S 7 42 42 0 -1 4194560 900 0 0 0 11 22 33 44 20 0 1 0 12345 1000 200\n"


@pytest.mark.parametrize("name", ["nginx", "tmux: server", "a) S 1 (b", ")", ""])
def test_a_stat_line_is_parsed_with_any_process_name(name):
    assert parse_stat(stat(name)) == Process(pid=42, parent=7, own=33, reaped=77, started=12345)


@pytest.mark.parametrize("text", ["", "42", "42 (nginx) S 7", "42 nginx S 7 1 1 1"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="not a /proc/PID/stat line"):
        parse_stat(text)


def table(**parents: int) -> dict[int, Process]:
    return {int(pid[1:]): Process(int(pid[1:]), parent, 1, 0, 0) for pid, parent in parents.items()}


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        (table(p10=1), [10]),
        (table(p10=1, p11=10, p12=11, p13=12), [10, 11, 12, 13]),
        (table(p10=1, p11=10, p12=10, p20=1, p21=20), [10, 11, 12]),
        (table(p11=10), []),
        ({}, []),
    ],
    ids=["alone", "a chain", "two children and other processes", "no root", "nothing"],
)
def test_a_tree_is_the_root_and_its_descendants(processes, expected):
    assert [process.pid for process in descendants_of(processes, 10)] == expected


def test_a_childs_time_is_counted_once_before_and_after_it_ends():
    root, child, grandchild = (Process(pid, pid - 1, own=pid, reaped=0, started=0) for pid in (10, 11, 12))
    after_grandchild = Process(11, 10, own=11, reaped=12, started=0)
    after_both = Process(10, 1, own=10, reaped=23, started=0)
    assert total_ticks([root, child, grandchild]) == 33
    assert total_ticks([root, after_grandchild]) == 33
    assert total_ticks([after_both]) == 33


BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
print("reaped", flush=True)
sys.stdin.read()
"""


def test_the_time_of_a_real_child_that_has_ended_still_counts():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"reaped\n"
        assert [member.pid for member in members(process.pid)] == [process.pid]
        assert 0.3 - 2 / TICKS_PER_SECOND <= tree_seconds(process.pid) < 10
        process.stdin.close()
    assert tree_seconds(process.pid) == 0


ROLLUP = """\
55d7a4d7a000-7ffc01fdf000 ---p 00000000 00:00 0                          [rollup]
Rss:                1616 kB
Pss:                 376 kB
Pss_Dirty:           112 kB
"""


@pytest.mark.parametrize(("text", "expected"), [(ROLLUP, 376 * 1024), ("", 0)], ids=["process", "zombie"])
def test_pss_is_read_in_bytes(text, expected):
    assert parse_pss(text) == expected


def test_pss_in_another_unit_is_refused():
    with pytest.raises(ValueError, match="unknown unit"):
        parse_pss("Pss: 3 MB\n")


def test_the_memory_of_a_real_process_is_found():
    with subprocess.Popen(
        [sys.executable, "-c", "b = bytes(1) * 50_000_000; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        assert 50_000_000 <= tree_bytes(process.pid) < 100_000_000
        process.stdin.close()
