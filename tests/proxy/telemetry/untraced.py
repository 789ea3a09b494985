"""Runs a proxy with tracing enabled but without the packages that tracing needs."""

from pathlib import Path

from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store


def run_untraced(processes: Processes, store: Store, directory: Path, flag: str, hidden: Path) -> int:
    """Run a proxy until it logs that nothing is traced; return its web port.

    `hidden` is a folder that precedes the installed packages on the module path.
    """
    web, admin = free_port(), free_port()
    process = processes(
        "rondpoint",
        "proxy",
        flag,
        "--workers=1",
        f"--redis.url={store.url}",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        f"--stateDirectory={directory}",
        environment={"PYTHONPATH": str(hidden)},
    )
    process.wait_for_line(r"nothing is traced: packages of Rondpoint's extra `otel` are missing")
    process.wait_for_port(web)
    return web
