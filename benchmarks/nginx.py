"""What the origin's and the peer's nginx share: the program, and the lines ahead of `http`."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.processes import program


def nginx_program() -> str:
    """The path of nginx; raises BenchmarkError when there is none."""
    return program("nginx", "Debian package nginx-light")


def nginx_main(directory: Path, workers: int) -> str:
    """The main and events sections: in the foreground, everything it writes under `directory`."""
    # As root, workers would change to a user who cannot write to our private directory.
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""daemon off;
{user}
worker_processes {workers};
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}"""
