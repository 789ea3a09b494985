"""`rondpoint healthcheck`: ends with 0 when the Rondpoint it is about works."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from rondpoint.cli.healthcheck import read_command
from rondpoint.store.agents import AgentStatus, write_agent
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store

from .test_commands import run

COMMAND_LINES = [
    (["/v/bin/python3", "/v/bin/rondpoint"], ("up", ())),
    (["/v/bin/python3", "/v/bin/rondpoint", "--web", "--docker"], ("up", ("--web", "--docker"))),
    (["/v/bin/python3", "/v/bin/rondpoint", "up", "--web"], ("up", ("--web",))),
    (["python3", "-m", "rondpoint", "agent", "--redis.url=redis://r"], ("agent", ("--redis.url=redis://r",))),
    (["/bin/sh", "-c", "sleep 1"], ("up", ())),
]


@pytest.mark.parametrize(("words", "read"), COMMAND_LINES)
def test_command_and_flags_of_a_process(words: list[str], read: tuple[str, tuple[str, ...]]) -> None:
    assert read_command(words) == read


def test_a_running_rondpoint_is_healthy_by_its_process(processes: Processes, tmp_path: Path) -> None:
    web, admin = free_port(), free_port()
    running = processes(
        "rondpoint",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        "--workers=1",
        directory=tmp_path,
    )
    running.wait_for_port(admin)
    # It accepts before a worker answers, which may take a while.
    assert http.request(admin, "localhost", "/ping").status == 200
    found = run(tmp_path, "healthcheck", f"--process={running.pid}")
    assert (found.returncode, found.stdout, found.stderr) == (0, "healthy\n", "")


def test_where_nothing_answers_is_said(tmp_path: Path) -> None:
    port = free_port()
    found = run(tmp_path, "healthcheck", f"--entryPoints.traefik.address=127.0.0.1:{port}")
    assert found.returncode == 1
    assert f"unhealthy: nothing answers at http://127.0.0.1:{port}/ping" in found.stderr


def test_a_process_that_is_not_there_is_said(tmp_path: Path) -> None:
    found = run(tmp_path, "healthcheck", f"--process={2**22 + 1}")
    assert found.returncode == 2
    assert "cannot be looked at: No such file or directory" in found.stderr


@pytest.mark.parametrize(
    ("age", "code", "said"),
    [
        (0.0, 0, "healthy"),
        (60.0, 1, "unhealthy: the agent's last sign of life is 6"),
        (None, 1, "unhealthy: no agent of host"),
    ],
)
def test_an_agent_is_asked_about_in_the_store(
    store: Store, processes: Processes, tmp_path: Path, age: float | None, code: int, said: str
) -> None:
    # A process whose command line reads as an agent's.
    script = tmp_path / "rondpoint"
    script.write_text("import time; print('up', flush=True); time.sleep(60)")
    agent = processes("python3", str(script), "agent", f"--redis.url={store.url}")
    agent.wait_for_line("up")
    if age is not None:
        with connect(store.url) as client:
            seen = time.time() - age
            status = AgentStatus("a", socket.gethostname(), 1, seen, seen)
            write_agent(client, Keys(), status)
    found = run(tmp_path, "healthcheck", f"--process={agent.pid}")
    assert found.returncode == code
    assert said in found.stdout + found.stderr
