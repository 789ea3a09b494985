"""Waits until the embedded store responds, without the memory of a client library."""

from __future__ import annotations

import socket
import subprocess
import time

from rondpoint.cli.child import StartError

_START_SECONDS = 10.0
_PROBE_SECONDS = 0.01
_RESPONSE_SECONDS = 1.0


def wait_for_store(process: subprocess.Popen[bytes], path: str) -> None:
    """Return once the store of this process responds at its Unix socket. Raises StartError."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if _responds(path):
            return
        # The server cannot report that it is ready, but its end can be waited for.
        try:
            code = process.wait(_PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        raise StartError(f"the embedded store exited at start (exit code {code})")
    raise StartError(f"the embedded store did not respond within {_START_SECONDS:g} s")


def _responds(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_RESPONSE_SECONDS)
        try:
            client.connect(path)
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
