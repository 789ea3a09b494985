"""The supervisor restarts its children, ends them in order, and none of them outlives it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.processes import Process, Processes, state_of
from tests.lab.waiting import until

ROOT = Path(__file__).parents[3]
Start = Callable[..., Process]

# One unbuffered write for each line, unlike print: other processes write to the same pipe.
SAY = """
import os
def say(text):
    os.write(1, (text + "\\n").encode())
"""
# A child that reports its start, with its process id, and its end.
STEADY = f"""{SAY}
import signal, sys
name = sys.argv[1]
verbs = {{signal.SIGTERM: "ends", signal.SIGHUP: "reloads", signal.SIGUSR1: "reopens"}}
signal.pthread_sigmask(signal.SIG_BLOCK, verbs)
say(f"{{name}} begins as {{os.getpid()}} in session {{os.getsid(0)}}")
while (number := signal.sigwait(verbs)) != signal.SIGTERM:
    say(f"{{name}} {{verbs[number]}}")
say(f"{{name}} ends")
"""
DEAF = f"""{SAY}
import signal, threading
signal.signal(signal.SIGTERM, lambda *_: say("deaf hears"))
say("deaf begins")
threading.Event().wait()
"""
ANNOUNCE = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
    there.sendto(b"READY=1\\nSTATUS=well", os.environ["NOTIFY_SOCKET"])
"""


def child(name: str, program: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "argv": [sys.executable, "-c", program, name], **options}


@pytest.fixture
def supervise(processes: Processes, short_path: Path) -> Start:
    def start(*specs: dict[str, Any]) -> Process:
        module = (sys.executable, "-m", "tests.rondpoint.cli.supervised")
        return processes(*module, str(short_path), json.dumps(specs), name="supervisor", directory=ROOT)

    return start


def order(process: Process, verb: str) -> list[str]:
    return [line.split()[0] for line in process.log.splitlines() if f" {verb}" in line and ":" not in line]


def test_children_end_in_the_opposite_order_of_their_start(supervise: Start) -> None:
    supervisor = supervise(*(child(name, STEADY) for name in ("store", "agent", "proxy")))
    for name in ("store", "agent", "proxy"):
        supervisor.wait_for_line(f"{name} begins")
    supervisor.signal(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert order(supervisor, "ends") == ["proxy", "agent", "store"]


def test_each_child_has_a_session_of_its_own_so_that_ctrl_c_keeps_the_order(supervise: Start) -> None:
    supervisor = supervise(child("a", STEADY))
    found = supervisor.wait_for_line(r"a begins as (\d+) in session (\d+)")
    assert found[1] == found[2]
    supervisor.signal(signal.SIGINT)
    assert supervisor.wait() == 0
    assert "a ends" in supervisor.log


def test_a_child_that_dies_restarts_at_growing_intervals(supervise: Start) -> None:
    supervisor = supervise(child("weak", "raise SystemExit(5)"), child("other", STEADY))
    supervisor.wait_for_line("other begins")
    for delay in ("0.2", "0.4", "0.8"):
        supervisor.wait_for_line(rf"weak has ended \(exit code 5\); it restarts in {delay} s")
    assert len(order(supervisor, "begins")) == 1
    assert supervisor.stop() == 0


def test_a_killed_child_is_reported_with_its_signal_and_restarts(supervise: Start) -> None:
    supervisor = supervise(child("a", STEADY))
    pid = int(supervisor.wait_for_line(r"a begins as (\d+)")[1])
    seen = supervisor.line_count
    os.kill(pid, signal.SIGKILL)
    supervisor.wait_for_line(r"a has ended \(SIGKILL\)")
    assert int(supervisor.wait_for_line(r"a begins as (\d+)", after=seen)[1]) != pid


def test_processes_that_a_dead_child_leaves_get_sigterm(supervise: Start) -> None:
    parent = (
        "import os, subprocess, sys, threading\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "os.write(1, f'left {left.pid} of {os.getpid()}\\n'.encode())\n"
        "threading.Event().wait()"
    )
    supervisor = supervise(child("parent", parent))
    found = supervisor.wait_for_line(r"left (\d+) of (\d+)")
    os.kill(int(found[2]), signal.SIGKILL)
    until(lambda: not _runs(int(found[1])), "the orphan's end")


def test_a_final_exit_code_at_start_ends_everything_with_that_code(supervise: Start) -> None:
    supervisor = supervise(
        child("agent", STEADY),
        child("proxy", "raise SystemExit(3)", notifies_ready=True, final_exit_codes=[2, 3, 4]),
    )
    assert supervisor.wait() == 3
    assert "supervisor: proxy cannot start (exit code 3)" in supervisor.log
    assert "all ready" not in supervisor.log


def test_a_child_that_was_ready_once_restarts_after_any_exit_code(supervise: Start) -> None:
    supervisor = supervise(
        child("proxy", ANNOUNCE + "raise SystemExit(3)", notifies_ready=True, final_exit_codes=[3])
    )
    supervisor.wait_for_line("all ready")
    supervisor.wait_for_line(r"proxy has ended \(exit code 3\); it restarts")
    supervisor.wait_for_line(r"it restarts in 0.4 s")
    assert supervisor.log.count("all ready") == 1
    assert supervisor.stop() == 0


def test_only_children_that_notify_readiness_get_the_socket(supervise: Start) -> None:
    supervisor = supervise(child("a", SAY + "say(f\"a: {'NOTIFY_SOCKET' in os.environ}\")" + STEADY))
    supervisor.wait_for_line("a: False")


def test_a_child_that_does_not_end_in_time_is_killed(supervise: Start) -> None:
    supervisor = supervise(child("deaf", DEAF, grace=0.2))
    supervisor.wait_for_line("deaf begins")
    supervisor.signal(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert "deaf did not end within 0.2 s; killing it" in supervisor.log


def test_a_second_signal_ends_everything_at_once(supervise: Start) -> None:
    supervisor = supervise(child("steady", STEADY), child("deaf", DEAF, grace=600))
    supervisor.wait_for_line("deaf begins")
    supervisor.wait_for_line("steady begins")
    supervisor.signal(signal.SIGTERM)
    with pytest.raises(Exception, match="still runs"):
        supervisor.wait(0.3)
    # Two signals in quick succession may count as one.
    supervisor.wait_for_line("deaf hears")
    supervisor.signal(signal.SIGTERM)
    assert supervisor.wait() == 0


def test_sighup_goes_to_children_that_reload(supervise: Start) -> None:
    supervisor = supervise(child("agent", STEADY), child("proxy", STEADY, reloads=True))
    supervisor.wait_for_line("proxy begins")
    supervisor.wait_for_line("agent begins")
    supervisor.signal(signal.SIGHUP)
    supervisor.wait_for_line("proxy reloads")
    assert supervisor.stop() == 0
    assert order(supervisor, "reloads") == ["proxy"]


def test_sigusr1_goes_to_children_that_reopen_logs(supervise: Start) -> None:
    supervisor = supervise(child("store", STEADY), child("proxy", STEADY, reopens_logs=True))
    supervisor.wait_for_line("proxy begins")
    supervisor.wait_for_line("store begins")
    supervisor.signal(signal.SIGUSR1)
    supervisor.wait_for_line("proxy reopens")
    assert supervisor.stop() == 0
    assert order(supervisor, "reopens") == ["proxy"]


def test_children_do_not_outlive_a_killed_supervisor(supervise: Start) -> None:
    supervisor = supervise(child("a", STEADY), child("b", STEADY))
    pids = [int(supervisor.wait_for_line(rf"{name} begins as (\d+)")[1]) for name in "ab"]
    supervisor.signal(signal.SIGKILL)
    supervisor.wait()
    until(lambda: not any(map(_runs, pids)), "the end of the children")


def test_a_command_that_does_not_exist_ends_the_start(supervise: Start) -> None:
    supervisor = supervise(child("a", STEADY), {"name": "b", "argv": ["/nowhere/b"]})
    assert supervisor.wait() == 1
    assert "cannot start b" in supervisor.log


def _runs(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return state_of(pid) != "Z"
    except OSError:
        return False
