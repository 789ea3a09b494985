"""Starts the real Traefik 3, to compare Rondpoint with it."""

from pathlib import Path

from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.ports import free_port
from tests.lab.processes import Processes


def start_traefik(processes: Processes, *flags: str, engine: Engine | None = None) -> Installation:
    """Start Traefik with a web entry point and `flags`, inside the engine's network if one is given.

    Return once it accepts. It has no admin entry point, and sends no usage data to anyone.
    """
    namespace: Path | None = engine.namespace if engine else None
    web = free_port(namespace=namespace)
    process = processes(
        "traefik",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=ERROR",
        *flags,
        enter=engine.enter if engine else (),
    )
    process.wait_for_port(web, namespace=namespace)
    return Installation(process, web, 0, namespace)
