"""The nginx program and main section, shared by the origin and the nginx peer."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.processes import program


def nginx_program() -> str:
    """Return the path of nginx. Raises BenchmarkError if it is not installed."""
    return program("nginx", "Debian package nginx-light")


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
