"""Tests that ports are unique among test processes."""

import socket
import subprocess
import sys
from contextlib import ExitStack

from tests.lab.ports import BLOCK, END, FIRST, free_port

OTHER = "from tests.lab.ports import free_port; print(*(free_port() for _ in range(300)))"


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


def test_a_port_is_reused_late_and_never_while_a_server_listens() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", taken := free_port()))
        listener.listen()
        given = [free_port() for _ in range(3 * BLOCK)]
    assert taken not in given
    # Servers of other tests may listen on some.
    distinct = len(set(given))
    assert len(set(given[:distinct])) == distinct
