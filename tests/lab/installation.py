"""A whole Rondpoint, as a user starts it, on free ports."""

import http.client
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab import http as client
from tests.lab.engine import Engine
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes
from tests.lab.waiting import until


class Installation:
    """One running `rondpoint` command that has a web entry point, with or without its own agent and store."""

    def __init__(self, process: Process, web: int, admin: int, namespace: Path | None) -> None:
        self.process = process
        self.web = web
        self.admin = admin
        self.namespace = namespace

    def request(self, host: str, path: str = "/", **options: Any) -> client.Response:
        """One request to the web entry point, over a new connection; options as `tests.lab.http.request`."""
        return client.request(self.web, host, path, namespace=self.namespace, **options)

    def bodies(self, count: int, host: str, path: str = "/") -> list[str]:
        """The bodies of so many requests in turn, as `tests.lab.http.bodies`."""
        return client.bodies(count, self.web, host, path, namespace=self.namespace)

    def api(self, path: str) -> Any:
        """What the admin entry point answers, decoded from JSON."""
        response = client.request(self.admin, "localhost", path, namespace=self.namespace)
        assert response.status == 200, response
        return json.loads(response.body)

    def wait_for(
        self, host: str, path: str = "/", *, status: int = 200, timeout: float = 60.0
    ) -> client.Response:
        """The first answer with this status."""

        def ask() -> client.Response | None:
            try:
                response = self.request(host, path)
            except (OSError, http.client.HTTPException):
                return None
            return response if response.status == status else None

        return until(ask, f"{status} from {host}{path}", timeout=timeout)

    def wait_for_bodies(self, expected: set[str], host: str, *, timeout: float = 60.0) -> None:
        """Returns once requests to this host are answered by exactly these bodies."""

        def ask() -> bool:
            responses = [self.request(host) for _ in range(2 * len(expected))]
            return {response.text for response in responses if response.status == 200} == expected

        until(ask, f"{host} answered by {sorted(expected)}", timeout=timeout)

    def wait_for_turns(self, expected: set[str], host: str) -> None:
        """Returns once these bodies answer requests to this host in strict turn, as `in_turn` of the client.

        Raises AssertionError at an answer that is not 200.
        """
        until(
            lambda: client.in_turn(self.bodies(4 * len(expected), host), expected),
            f"{sorted(expected)} in turn for {host}",
        )

    def wait_for_workers(self, count: int) -> None:
        """Returns once there are so many workers, and all of them serve what the store has.

        What one of them answers, the others may come to a moment later.
        """

        def all_serve() -> bool:
            told = self.api("/api/instances")
            workers = [worker for each in told["instances"] for worker in each["workers"] if worker["alive"]]
            current = all(worker["current"] for worker in workers)
            return bool(told["revision"]) and len(workers) == count and current

        until(all_serve, f"the same configuration in {count} workers")

    def wait_for_agent(self) -> None:
        """Returns once an agent has told that it is at work."""
        until(lambda: self.api("/api/instances")["agents"], "an agent")


def start(
    processes: Processes,
    *flags: str,
    command: Sequence[str] = ("up",),
    engine: Engine | None = None,
    directory: Path | None = None,
    environment: dict[str, str] | None = None,
    enter: Sequence[str] = (),
) -> Installation:
    """Starts `rondpoint COMMAND FLAGS` on free ports, inside the engine's network when one is given.

    Returns once both entry points accept; the engine is the Docker provider's endpoint. `directory` is the
    working directory, where a settings file may lie; `enter` goes before the command line.
    """
    namespace = engine.namespace if engine else None
    web, admin = free_port(namespace=namespace), free_port(namespace=namespace)
    process = processes(
        "rondpoint",
        *command,
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        *([f"--providers.docker.endpoint={engine.socket_url}"] if engine else []),
        *flags,
        enter=[*(engine.enter if engine else ()), *enter],
        directory=directory,
        environment=environment,
    )
    for port in (web, admin):
        process.wait_for_port(port, namespace=namespace)
    return Installation(process, web, admin, namespace)
