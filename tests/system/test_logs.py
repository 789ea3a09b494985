"""The JSON log of all processes of Rondpoint."""

import json
import os
import signal
from pathlib import Path

from tests.lab import installation
from tests.lab.processes import Processes
from tests.lab.waiting import until

ROUTES = """
http:
  routers: {hello: {rule: "Host(`hello.test`)", service: hello}}
  services: {hello: {loadBalancer: {servers: [{url: "http://127.0.0.1:1"}]}}}
"""
TRAEFIK_1 = """
logLevel = "INFO"
[traefikLog]
filePath = "{path}"
format = "json"
[hostResolver]
"""


def test_all_processes_write_the_same_json_format(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    started = installation.start(
        processes,
        "--log.format=json",
        "--log.level=DEBUG",
        "--workers=1",
        "--providers.file.filename=routes.yml",
        "--api.debug",
        directory=tmp_path,
    )
    started.wait_for("hello.test", status=502)
    os.kill(started.process.pid, signal.SIGHUP)
    started.process.wait_for_line("has a successor and stops accepting")
    processes.stop()
    lines = [json.loads(line) for line in started.process.log.splitlines()]
    assert all({"level", "time", "msg", "logger", "pid"} <= line.keys() for line in lines)
    loggers = {line["logger"].partition(".")[0] for line in lines}
    assert {"rondpoint", "discovery", "gunicorn", "proxy"} <= loggers
    assert any(line["level"] == "warn" and "api.debug" in line["msg"] for line in lines)


def test_settings_of_traefik_1_configure_the_log_file(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "traefik.log"
    (tmp_path / "traefik.toml").write_text(TRAEFIK_1.replace("{path}", str(path)))
    started = installation.start(processes, "--file.directory=.", "--workers=1", directory=tmp_path)

    def messages() -> list[str]:
        return [json.loads(line)["msg"] for line in path.read_text().splitlines()]

    until(lambda: any("Booting worker" in line for line in messages()), "the worker's start")
    assert any("workers: 1" in line for line in messages())
    assert any("hostResolver is not served yet" in line for line in messages())
    processes.stop()
    assert started.process.log == ""


def test_a_moved_log_file_is_created_again_after_a_signal(processes: Processes, tmp_path: Path) -> None:
    path, access_log = tmp_path / "rondpoint.log", tmp_path / "access.log"
    (tmp_path / "routes.yml").write_text(ROUTES)
    started = installation.start(
        processes,
        f"--log.filePath={path}",
        f"--accessLog.filePath={access_log}",
        "--workers=1",
        "--providers.file.filename=routes.yml",
        directory=tmp_path,
    )
    started.wait_for("hello.test", status=502)
    until(access_log.exists, "the access log")
    for each in (path, access_log):
        each.rename(each.with_suffix(".moved"))
    os.kill(started.process.pid, signal.SIGUSR1)
    until(path.exists, "the log")
    until(access_log.exists, "the access log")
    # The signal ended no process, and further lines are in the new file.
    started.wait_for("hello.test", status=502)
    assert "has ended" not in path.with_suffix(".moved").read_text() + path.read_text()
    processes.stop()
    assert "the agent is stopping" in path.read_text()
