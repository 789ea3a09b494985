"""Runs a real PostgreSQL server on a loopback port, with or without TLS."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server

_PROGRAMS = "/usr/lib/postgresql"
_USER = "postgres"


class Postgres(Server):
    """A server with an empty database `postgres` in `directory`, which must not exist yet.

    With a `certificate` (and its key), it speaks TLS to clients that want it.
    """

    name = "PostgreSQL"

    def __init__(self, directory: Path, certificate: Path | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self._directory = directory
        self._certificate = certificate

    def start(self) -> None:
        data = self._directory
        if not data.exists():
            self._create(data)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        if self._certificate is not None:
            options |= {"ssl": "on", "ssl_cert_file": "own.pem", "ssl_key_file": "own.pem"}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = Process([*_as_user(), _program("postgres"), "-D", data, *flags], name="postgres")
        self._process.wait_for_line("database system is ready to accept connections")

    def _create(self, data: Path) -> None:
        data.mkdir(mode=0o700)
        if _as_user():
            shutil.chown(data, _USER)
        command = [*_as_user(), _program("initdb"), "-D", data, "-U", _USER, "--auth=trust", "--no-sync"]
        created = subprocess.run(
            list(map(str, command)), check=False, capture_output=True, text=True, cwd="/"
        )
        if created.returncode:
            raise LabError(f"initdb failed: {created.stderr}")
        if self._certificate is not None:
            own = data / "own.pem"
            shutil.copyfile(self._certificate, own)
            own.chmod(0o600)
            if _as_user():
                shutil.chown(own, _USER)


def psql(port: int, query: str, *, host: str = "localhost", mode: str = "disable") -> str:
    """Return the result of a query over 127.0.0.1, which psql takes for `host`; `mode` is its sslmode.

    Raises LabError, with what psql says.
    """
    target = f"host={host} hostaddr=127.0.0.1 port={port} user={_USER} dbname=postgres sslmode={mode}"
    run = subprocess.run(
        [
            "psql",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command",
            query,
            f"{target} connect_timeout=30",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if run.returncode:
        raise LabError(run.stderr)
    return run.stdout.strip()


def _program(name: str) -> Path:
    found = sorted(Path(_PROGRAMS).glob(f"*/bin/{name}"))
    if not found:
        raise LabError(f"{name} is missing: apt-get install postgresql")
    return found[-1]


def _as_user() -> list[str]:
    """Return the prefix of commands: the server refuses to run as root."""
    if os.geteuid():
        return []
    return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
