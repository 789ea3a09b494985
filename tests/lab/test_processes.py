"""Tests of the lab's child processes."""

import signal

import pytest

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes


def test_a_line_is_waited_for(processes: Processes) -> None:
    process = processes("sh", "-c", "echo one; sleep 0.1; echo two 2 >&2; exec sleep 60")
    assert process.wait_for_line(r"two (\d)")[1] == "2"
    assert process.stop() == -signal.SIGTERM


def test_several_lines_are_waited_for(processes: Processes) -> None:
    process = processes("sh", "-c", "echo one 1; echo two; echo one 2; exec sleep 60")
    assert process.wait_for_line(r"one (\d)", count=2)[1] == "2"
    with pytest.raises(LabError, match=r"did not write 'one' within 0.1 s"):
        process.wait_for_line("one", timeout=0.1, count=3)


def test_a_line_that_never_comes_fails_with_the_log(processes: Processes) -> None:
    with pytest.raises(LabError, match=r"ended before it wrote 'ready'(.|\n)*no such setting"):
        processes("sh", "-c", "echo no such setting; exit 1").wait_for_line("ready")
    with pytest.raises(LabError, match=r"did not write 'ready' within 0.1 s"):
        processes("sleep", "60").wait_for_line("ready", timeout=0.1)


def test_a_port_is_waited_for(processes: Processes) -> None:
    port = free_port()
    server = processes("python", "-m", "http.server", "--bind", "127.0.0.1", str(port))
    server.wait_for_port(port)
    assert server.running


def test_a_program_that_ends_before_its_port_accepts_fails_at_once(processes: Processes) -> None:
    with pytest.raises(LabError, match="ended before port"):
        processes("true").wait_for_port(free_port())


def test_a_program_that_ignores_sigterm_is_killed_and_reported() -> None:
    process = Process(["sh", "-c", "trap '' TERM; echo set; while true; do sleep 1; done"])
    process.wait_for_line("set")
    with pytest.raises(LabError, match=r"still runs after 0.2 s"):
        process.stop(timeout=0.2)
    assert not process.running


def test_an_orphan_is_killed_and_reported() -> None:
    process = Process(["sh", "-c", "sleep 61 & echo begun; wait"])
    process.wait_for_line("begun")
    with pytest.raises(LabError, match="left sleep 61"):
        process.stop()
