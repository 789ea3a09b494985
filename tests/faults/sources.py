"""The sources of routes: a route file, or labels of containers."""

import json
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.models.containers import Container

from tests.faults.convergence import Servers
from tests.lab.echo import EchoServer
from tests.lab.origin import Origin
from tests.lab.static_servers import StaticServer

HOST = "app.test"
LABELS = {
    "traefik.enable": "true",
    "traefik.http.routers.app.rule": f"Host(`{HOST}`)",
    "traefik.http.services.app.loadbalancer.server.port": "80",
}


class Routes:
    """A route file; the first call of `serve` creates it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._services: dict[str, list[str]] = {}

    @property
    def flag(self) -> str:
        """The flag with which an agent reads the file."""
        return f"--providers.file.filename={self.path}"

    @property
    def servers(self) -> Servers:
        return {f"{name}@file": frozenset(urls) for name, urls in self._services.items()}

    def serve(self, *origins: Origin | StaticServer | int, **others: Origin | EchoServer) -> None:
        """Write the file: these origins, or ports, serve `HOST`, and each of `others` serves NAME.test."""
        self._services = {"app": [_url(origin) for origin in origins]}
        self._services |= {name: [_url(other)] for name, other in others.items()}
        http = {
            "routers": {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in self._services},
            "services": {
                name: {"loadBalancer": {"servers": [{"url": url} for url in urls]}}
                for name, urls in self._services.items()
            },
        }
        new_file = self.path.with_suffix(".new")
        new_file.write_text(json.dumps({"http": http}))
        new_file.rename(self.path)


def _url(origin: Origin | StaticServer | EchoServer | int) -> str:
    if isinstance(origin, StaticServer):
        return origin.url
    return f"http://127.0.0.1:{origin if isinstance(origin, int) else origin.port}"


def servers_of_containers(service: str, containers: Iterable[Container]) -> Servers:
    """Return the servers of these containers in their current state."""
    urls = []
    for container in containers:
        container.reload()
        if container.status == "running":
            networks = container.attrs["NetworkSettings"]["Networks"]
            urls += [f"http://{network['IPAddress']}:80" for network in networks.values()]
    return {service: frozenset(urls)}


def containers_with_label(client: docker.DockerClient, label: str) -> list[Container]:
    """Return the running containers with this label."""
    found: list[Container] = client.containers.list(filters={"label": label}, ignore_removed=True)
    return found
