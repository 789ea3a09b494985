"""Comparisons of proxies that were loaded at once."""

import subprocess
import sys

import pytest

from benchmarks.cpu import tree_nanoseconds
from benchmarks.together import Slice, summarise, together_table


def slices(*figures: float) -> list[Slice]:
    return [Slice(figure, 1000) for figure in figures]


def test_ratios_are_those_of_the_same_slice():
    found = summarise({"base": slices(10, 20, 40), "other": slices(5, 10, 80)}, "base")
    assert (found["base"].ratio, found["base"].cpu_us) == (1.0, 20)
    assert (found["other"].ratio, found["other"].cpu_us) == (0.5, 10)
    assert found["other"].low <= 0.5 <= found["other"].high


def test_without_the_baseline_the_first_proxy_is_one():
    assert summarise({"a": slices(4), "b": slices(2)}, "traefik")["b"].ratio == 0.5


def test_the_table_names_each_proxy():
    table = together_table(summarise({"a": slices(4, 4), "b": slices(2, 2)}, "a"), {"a": "Proxy A"})
    assert table.splitlines()[2:] == [
        "| Proxy A | 4.0 | 1.00 | 1.00 to 1.00 |",
        "| b | 2.0 | 0.50 | 0.50 to 0.50 |",
    ]


BUSY = """
import sys, time
while time.process_time_ns() < 200_000_000:
    pass
print(time.process_time_ns(), flush=True)
sys.stdin.read()
"""


def test_the_scheduler_counts_what_a_process_uses():
    # A process of its own: this one may have children that work meanwhile.
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        used = int(busy.stdout.readline())
        assert tree_nanoseconds(busy.pid) == pytest.approx(used, rel=0.1)
        busy.stdin.close()
