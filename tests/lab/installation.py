"""Starts Rondpoint as a user does, on free ports."""

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
    """A running `rondpoint` command with a web entry point, with or without its own agent and store."""

    def __init__(self, process: Process, web: int, admin: int, namespace: Path | None) -> None:
        self.process = process
        self.web = web
        self.admin = admin
        self.namespace = namespace

    def request(self, host: str, path: str = "/", **options: Any) -> client.Response:
        """Send a request to the web entry point; options as in `tests.lab.http.request`."""
        return client.request(self.web, host, path, namespace=self.namespace, **options)

    def bodies(self, count: int, host: str, path: str = "/") -> list[str]:
        """Send `count` requests and return their bodies, as `tests.lab.http.bodies`."""
        return client.bodies(count, self.web, host, path, namespace=self.namespace)

    def api(self, path: str) -> Any:
        """Return the response of the admin entry point, decoded from JSON."""
        response = client.request(self.admin, "localhost", path, namespace=self.namespace)
        assert response.status == 200, response
        return json.loads(response.body)

    def wait_for(
        self, host: str, path: str = "/", *, status: int = 200, timeout: float = 60.0
    ) -> client.Response:
        """Wait for a response with this status and return it."""

        def try_request() -> client.Response | None:
            try:
                response = self.request(host, path)
            except (OSError, http.client.HTTPException):
                return None
            return response if response.status == status else None

        return until(try_request, f"{status} from {host}{path}", timeout=timeout)

    def wait_for_bodies(self, expected: set[str], host: str, *, timeout: float = 60.0) -> None:
        """Wait until requests to this host return exactly these bodies."""

        def all_respond() -> bool:
            responses = [self.request(host) for _ in range(2 * len(expected))]
            return {response.text for response in responses if response.status == 200} == expected

        until(all_respond, f"{host} returning {sorted(expected)}", timeout=timeout)

    def wait_for_round_robin(self, expected: set[str], host: str) -> None:
        """Wait until requests to this host return these bodies in strict round robin.

        Raises AssertionError at a response that is not 200.
        """
        until(
            lambda: client.is_round_robin(self.bodies(4 * len(expected), host), expected),
            f"{sorted(expected)} in round robin for {host}",
        )

    def wait_for_workers(self, count: int) -> None:
        """Wait until there are `count` workers, and all of them serve the store's configuration.

        One worker may apply a change a moment before the others.
        """

        def all_current() -> bool:
            response = self.api("/api/instances")
            workers = [
                worker
                for instance in response["instances"]
                for worker in instance["workers"]
                if worker["alive"]
            ]
            are_current = all(worker["current"] for worker in workers)
            return bool(response["revision"]) and len(workers) == count and are_current

        until(all_current, f"the same configuration in {count} workers")

    def wait_for_agent(self) -> None:
        """Wait until an agent has reported itself to the store."""
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
    """Start `rondpoint COMMAND FLAGS` on free ports, inside the engine's network if one is given.

    Return once both entry points accept. The engine is the Docker provider's endpoint. `directory` is the
    working directory, which may have a settings file; `enter` is a prefix of the command line.
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
