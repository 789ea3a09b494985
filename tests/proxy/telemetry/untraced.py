"""A proxy that is to trace its requests, and lacks what that takes."""

from pathlib import Path

from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store


def run_untraced(processes: Processes, store: Store, directory: Path, flag: str, hidden: Path) -> int:
    """Its web port, once it has said that nothing is traced; `hidden` stands before what is installed."""
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
