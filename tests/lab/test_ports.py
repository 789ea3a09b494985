"""Tests that ports are unique among test processes."""

import subprocess
import sys

from tests.lab.ports import BLOCK, END, FIRST, free_port

OTHER = "from tests.lab.ports import free_port; print(*(free_port() for _ in range(300)))"

# In a process of its own, whose first port begins a block.
NEIGHBOUR = """
import socket
from tests.lab.ports import free_port
first = free_port()
with socket.create_server(("127.0.0.1", first + 1)):
    print(first, *(free_port() for _ in range(5)))
"""


def test_no_port_is_given_to_two_processes() -> None:
    mine = {free_port() for _ in range(300)}
    with subprocess.Popen(
        [sys.executable, "-c", f"{OTHER}; input()"], stdin=-1, stdout=-1, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first_ports = set(map(int, first.stdout.readline().split()))
        second_ports = set(
            map(int, subprocess.check_output([sys.executable, "-c", OTHER], text=True).split())
        )
        first.stdin.close()
    assert not mine & first_ports
    assert not mine & second_ports
    assert not first_ports & second_ports
    assert {FIRST <= port < END for port in mine | first_ports | second_ports} == {True}


def test_a_port_is_given_once() -> None:
    given = [free_port() for _ in range(3 * BLOCK)]
    assert len(set(given)) == len(given)


def test_a_port_with_a_listener_is_not_given() -> None:
    done = subprocess.run([sys.executable, "-c", NEIGHBOUR], capture_output=True, text=True, check=True)
    first, *others = map(int, done.stdout.split())
    assert first + 1 not in others
    assert first + 1 < max(others) < first + BLOCK
