"""The demo: three servers without an engine, containers with one."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rondpoint.demo.servers import NAMES
from tests.lab import http
from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.waiting import until


@pytest.fixture
def demo(processes: Processes, tmp_path: Path) -> Callable[..., Installation]:
    """Starts the demo on free ports, in an empty directory, with a value of DOCKER_HOST."""

    def start(docker_host: str) -> Installation:
        web, admin = free_port(), free_port()
        process = processes(
            "python",
            *("-m", "rondpoint.demo", "--workers=2"),
            f"--entryPoints.web.address=127.0.0.1:{web}",
            f"--entryPoints.traefik.address=127.0.0.1:{admin}",
            name="demo",
            environment={"DOCKER_HOST": docker_host},
            directory=tmp_path,
        )
        process.wait_for_line("Rondpoint is up")
        return Installation(process, web, admin, None)

    return start


def test_without_an_engine_three_servers_respond_in_strict_round_robin(
    demo: Callable[..., Installation], tmp_path: Path
) -> None:
    running = demo(f"unix://{tmp_path}/no.sock")
    running.wait_for("whoami.localhost")
    running.wait_for_workers(2)

    def has_round_robin() -> bool:
        bodies = running.bodies(9, "whoami.localhost")
        names = [body.splitlines()[0].removeprefix("Name: ") for body in bodies]
        return http.is_round_robin(names, set(NAMES))

    until(has_round_robin, "round robin")


def test_the_demo_prints_commands_to_try(demo: Callable[..., Installation], tmp_path: Path) -> None:
    running = demo(f"unix://{tmp_path}/no.sock")
    running.wait_for("whoami.localhost")
    running.process.wait_for_line(f"curl -H 'Host: whoami.localhost' http://127.0.0.1:{running.web}/")
    running.process.wait_for_line(f"http://127.0.0.1:{running.admin}/dashboard/ in a browser")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_processes(
    demo: Callable[..., Installation], tmp_path: Path, number: signal.Signals
) -> None:
    running = demo(f"unix://{tmp_path}/no.sock")
    running.wait_for("whoami.localhost")
    running.process.signal(number)
    assert running.process.wait() == 0


def test_with_an_engine_there_are_no_demo_servers(demo: Callable[..., Installation], engine: Engine) -> None:
    running = demo(engine.socket_url)
    assert running.process.wait_for_line("docker run")
    assert running.request("whoami.localhost").status in {404, 503}


def test_an_unknown_setting_ends_the_demo_with_its_name(processes: Processes, tmp_path: Path) -> None:
    process = processes("python", "-m", "rondpoint.demo", "--workerz=2", name="demo", directory=tmp_path)
    assert process.wait() != 0
    assert "workerz" in process.log
