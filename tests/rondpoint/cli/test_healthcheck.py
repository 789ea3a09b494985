"""`rondpoint healthcheck`: exit code 0 if the proxy or agent that it checks works."""

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


@pytest.mark.parametrize(("words", "command"), COMMAND_LINES)
def test_a_command_line_is_read(words: list[str], command: tuple[str, tuple[str, ...]]) -> None:
    assert read_command(words) == command


def test_a_running_rondpoint_is_healthy_by_its_process(processes: Processes, tmp_path: Path) -> None:
    web, admin = free_port(), free_port()
    process = processes(
        "rondpoint",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        "--workers=1",
        directory=tmp_path,
    )
    process.wait_for_port(admin)
    # The port accepts connections before a worker can respond.
    assert http.request(admin, "localhost", "/ping").status == 200
    result = run(tmp_path, "healthcheck", f"--process={process.pid}")
    assert (result.returncode, result.stdout, result.stderr) == (0, "healthy\n", "")


def test_a_proxy_that_does_not_respond_is_reported(tmp_path: Path) -> None:
    port = free_port()
    result = run(tmp_path, "healthcheck", f"--entryPoints.traefik.address=127.0.0.1:{port}")
    assert result.returncode == 1
    assert f"unhealthy: no response from http://127.0.0.1:{port}/ping" in result.stderr


def test_a_process_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    result = run(tmp_path, "healthcheck", f"--process={2**22 + 1}")
    assert result.returncode == 2
    assert f"cannot read the command line of process {2**22 + 1}: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("age", "code", "message"),
    [
        # Ahead of the clock, so that the heartbeat is recent even if the command starts slowly.
        (-60.0, 0, "healthy"),
        (60.0, 1, "unhealthy: the agent's last heartbeat is 6"),
        (None, 1, "unhealthy: the store knows no agent on host"),
    ],
)
def test_an_agent_is_healthy_if_its_heartbeat_in_the_store_is_recent(
    store: Store, processes: Processes, tmp_path: Path, age: float | None, code: int, message: str
) -> None:
    # A process with the command line of an agent.
    script = tmp_path / "rondpoint"
    script.write_text("import time; print('up', flush=True); time.sleep(60)")
    agent = processes("python3", str(script), "agent", f"--redis.url={store.url}")
    agent.wait_for_line("up")
    if age is not None:
        with connect(store.url) as client:
            seen = time.time() - age
            status = AgentStatus("a", socket.gethostname(), 1, seen, seen)
            write_agent(client, Keys(), status)
    result = run(tmp_path, "healthcheck", f"--process={agent.pid}")
    assert result.returncode == code
    assert message in result.stdout + result.stderr
