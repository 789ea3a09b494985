"""`rondpoint up`: store, agent and proxy as one thing in the foreground."""

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
    """A running `rondpoint`, with two workers and a file of routes."""

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

    def answers(self) -> bool:
        try:
            return request(self.web, "hello.test").status == 200
        except OSError:
            return False

    def family(self) -> set[int]:
        """Store, agent, gunicorn and two workers, once there are so many."""

        def whole() -> set[int] | None:
            found = set(descendants(self.process.pid))
            return found if len(found) == 5 else None

        return until(whole, "all processes")

    def child(self, pattern: str) -> int:
        """The process number of a child whose command line matches."""
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


def test_it_says_what_it_serves_and_serves_it(up: Up, tmp_path: Path) -> None:
    for fact in (
        f"entry point web: 127.0.0.1:{up.web}",
        f"dashboard: http://127.0.0.1:{up.admin}/dashboard/",
        "providers: file (routes.toml)",
        "store: embedded",
    ):
        assert fact in up.process.log.splitlines()
    # The web port accepts as soon as it is said; the routes follow from the agent.
    socket.create_connection(("127.0.0.1", up.web)).close()
    until(up.answers, "the first answer")
    # Of two workers, the one that is asked may not have them yet.
    api = f"--api=http://127.0.0.1:{up.admin}"
    until(lambda: "hello@file" in run(tmp_path, "routes", api).stdout, "the routes shown")


def test_sigterm_ends_all_and_leaves_nothing(up: Up) -> None:
    until(up.answers, "the first answer")
    family = up.family()
    assert up.process.stop() == 0
    assert not any(_command(pid) for pid in family)
    assert list(up.runtime.iterdir()) == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", up.web))


def test_the_embedded_store_is_private_and_has_no_port(up: Up) -> None:
    assert stat.S_IMODE(up.socket.parent.stat().st_mode) == 0o700
    with redis.Redis(unix_socket_path=str(up.socket)) as client:
        configuration = client.config_get("port", "save", "appendonly")
    assert configuration == {"port": "0", "save": "", "appendonly": "no"}


@pytest.mark.parametrize("part", ["valkey-server", "rondpoint agent", "rondpoint proxy"])
def test_a_part_that_is_killed_comes_back_and_requests_are_answered_again(up: Up, part: str) -> None:
    until(up.answers, "the first answer")
    pid = up.child(part)
    os.kill(pid, signal.SIGKILL)
    up.process.wait_for_line(r"has ended \(SIGKILL\); it starts again")
    until(lambda: _present(up, part, pid), f"another {part}")
    until(up.answers, "an answer after it")


def test_after_the_stores_death_its_successor_gets_the_configuration_again(up: Up) -> None:
    until(up.answers, "the first answer")
    os.kill(up.child("valkey-server"), signal.SIGKILL)

    def published() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(up.socket)) as client:
                return bool(client.hexists("{rondpoint:default}:routers", "hello@file"))
        except redis.RedisError:
            return False

    up.process.wait_for_line(r"store has ended \(SIGKILL\)")
    until(published, "the routes in the new store")


def test_a_hang_up_reloads_the_proxy_while_it_serves(up: Up) -> None:
    until(up.answers, "the first answer")
    before = up.family()
    up.process.signal(signal.SIGHUP)
    up.process.wait_for_line("Handling signal: hup")

    def renewed() -> bool:
        now = set(descendants(up.process.pid))
        return len(now) == 5 and len(now - before) == 2

    until(renewed, "two new workers")
    until(up.answers, "an answer")


def test_nothing_outlives_a_killed_up(up: Up) -> None:
    until(up.answers, "the first answer")
    family = up.family()
    up.process.signal(signal.SIGKILL)
    up.process.wait()
    until(lambda: not any(_command(pid) for pid in family), "the end of every child")


def test_a_port_that_is_taken_ends_the_start(processes: Processes, tmp_path: Path, short_path: Path) -> None:
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
    told = f"entryPoints.web.address: {address} cannot be listened on: Address already in use"
    assert f"{told} (end the program that has it" in process.log
    assert "entryPoints.traefik.address:" not in process.log
    assert list(short_path.iterdir()) == []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _present(up: Up, part: str, but: int) -> bool:
    try:
        return up.child(part) != but
    except StopIteration:
        return False
