"""The nginx program and main section, shared by the origin and the nginx peer."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.processes import program

_STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def nginx_program() -> str:
    """Return the path of nginx. Raises BenchmarkError if it is not installed."""
    return program("nginx", "Debian package nginx-light")


def stream_module() -> Path:
    """Return the path of the module that relays TCP. Raises BenchmarkError if it is not installed."""
    if not _STREAM_MODULE.exists():
        raise BenchmarkError(f"{_STREAM_MODULE} is missing: Debian package libnginx-mod-stream")
    return _STREAM_MODULE


def nginx_main(directory: Path, workers: int) -> str:
    """Return the main and events sections: in the foreground, with all written files under `directory`."""
    # Started as root, workers would change to a user without access to the private directory.
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""daemon off;
{user}
worker_processes {workers};
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}"""
