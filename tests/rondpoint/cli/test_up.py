"""`rondpoint up`: store, agent and proxy, supervised in the foreground."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.lab.http import request
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes, descendants
from tests.lab.waiting import until

from .test_commands import run

READY = "workers: 2"
ROUTES = """
[http.routers.hello]
rule = "Host(`hello.test`)"
service = "hello"
[[http.services.hello.loadBalancer.servers]]
url = "http://127.0.0.1:{port}"
"""


class Up:
    """A running `rondpoint up` with two workers and a dynamic file."""

    def __init__(self, processes: Processes, cwd: Path, runtime: Path, origin: Origin) -> None:
        self.web, self.admin = free_port(), free_port()
        (cwd / "routes.toml").write_text(ROUTES.replace("{port}", str(origin.port)))
        self.flags = [
            f"--entryPoints.web.address=127.0.0.1:{self.web}",
            f"--entryPoints.traefik.address=127.0.0.1:{self.admin}",
            "--providers.file.filename=routes.toml",
            "--workers=2",
        ]
        self.runtime = runtime
        self.process: Process = processes(
            "rondpoint", *self.flags, directory=cwd, environment={"TMPDIR": str(runtime)}
        )
        self.process.wait_for_line(READY)

    def responds(self) -> bool:
        try:
            return request(self.web, "hello.test").status == 200
        except OSError:
            return False

    def process_ids(self) -> set[int]:
        """Wait until store, agent, gunicorn and two workers run, and return their process ids."""

        def all_processes() -> set[int] | None:
            found = set(descendants(self.process.pid))
            return found if len(found) == 5 else None

        return until(all_processes, "all processes")

    def child(self, pattern: str) -> int:
        """Return the process id of a child whose command line matches the pattern."""
        commands = {pid: _command(pid) for pid in descendants(self.process.pid)}
        return next(pid for pid, command in commands.items() if re.search(pattern, command))

    @property
    def socket(self) -> Path:
        return next(self.runtime.glob("rondpoint-*/store.sock"))


@pytest.fixture
def up(processes: Processes, tmp_path: Path, short_path: Path) -> Iterator[Up]:
    with Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        yield Up(processes, tmp_path, short_path, server)
        processes.stop()


def test_it_prints_a_summary_and_serves_the_routes(up: Up, tmp_path: Path) -> None:
    for line in (
        f"entry point web: 127.0.0.1:{up.web}",
        f"dashboard: http://127.0.0.1:{up.admin}/dashboard/",
        "providers: file (routes.toml)",
        "store: embedded",
    ):
        assert line in up.process.log.splitlines()
    # The web port accepts once the summary is printed; the agent publishes the routes later.
    socket.create_connection(("127.0.0.1", up.web)).close()
    until(up.responds, "the first response")
    # The worker that responds may not have received them yet.
    api = f"--api=http://127.0.0.1:{up.admin}"
    until(lambda: "hello@file" in run(tmp_path, "routes", api).stdout, "the routes shown")


def test_sigterm_ends_all_and_leaves_nothing(up: Up) -> None:
    until(up.responds, "the first response")
    process_ids = up.process_ids()
    assert up.process.stop() == 0
    assert not any(_command(pid) for pid in process_ids)
    assert list(up.runtime.iterdir()) == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", up.web))


def test_the_embedded_store_is_private_and_has_no_port(up: Up) -> None:
    assert stat.S_IMODE(up.socket.parent.stat().st_mode) == 0o700
    with redis.Redis(unix_socket_path=str(up.socket)) as client:
        configuration = client.config_get("port", "save", "appendonly")
    assert configuration == {"port": "0", "save": "", "appendonly": "no"}


@pytest.mark.parametrize("name", ["valkey-server", "rondpoint agent", "rondpoint proxy"])
def test_a_killed_process_restarts_and_requests_succeed_again(up: Up, name: str) -> None:
    until(up.responds, "the first response")
    pid = up.child(name)
    os.kill(pid, signal.SIGKILL)
    up.process.wait_for_line(r"has ended \(SIGKILL\); it restarts")
    until(lambda: _restarted(up, name, pid), f"a new {name}")
    until(up.responds, "a response afterwards")


def test_a_restarted_store_gets_the_configuration_again(up: Up) -> None:
    until(up.responds, "the first response")
    os.kill(up.child("valkey-server"), signal.SIGKILL)

    def published() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(up.socket)) as client:
                return bool(client.hexists("{rondpoint:default}:routers", "hello@file"))
        except redis.RedisError:
            return False

    up.process.wait_for_line(r"store has ended \(SIGKILL\)")
    until(published, "the routes in the new store")


def test_sighup_reloads_the_proxy_while_it_serves(up: Up) -> None:
    until(up.responds, "the first response")
    before = up.process_ids()
    up.process.signal(signal.SIGHUP)
    up.process.wait_for_line("Handling signal: hup")

    def has_new_workers() -> bool:
        now = set(descendants(up.process.pid))
        return len(now) == 5 and len(now - before) == 2

    until(has_new_workers, "two new workers")
    until(up.responds, "a response")


def test_nothing_outlives_a_killed_up(up: Up) -> None:
    until(up.responds, "the first response")
    process_ids = up.process_ids()
    up.process.signal(signal.SIGKILL)
    up.process.wait()
    until(lambda: not any(_command(pid) for pid in process_ids), "the end of every child")


def test_a_port_that_is_in_use_ends_the_start(processes: Processes, tmp_path: Path, short_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = processes(
            "rondpoint",
            f"--entryPoints.web.address={address}",
            f"--entryPoints.traefik.address=127.0.0.1:{free_port()}",
            "--providers.file.directory=.",
            directory=tmp_path,
            environment={"TMPDIR": str(short_path)},
        )
        assert process.wait() in (1, 2, 3, 4)
    assert "proxy cannot start" in process.log
    message = f"entryPoints.web.address: cannot listen on {address}: Address already in use"
    assert f"{message} (end the program that uses it" in process.log
    assert "entryPoints.traefik.address:" not in process.log
    assert list(short_path.iterdir()) == []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _restarted(up: Up, name: str, old_pid: int) -> bool:
    try:
        return up.child(name) != old_pid
    except StopIteration:
        return False
