"""Where routes come from in these tests, and which servers they name."""

import json
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.models.containers import Container

from tests.faults.convergence import Servers
from tests.lab.echo import Echo
from tests.lab.origin import Origin

HOST = "app.test"
LABELS = {
    "traefik.enable": "true",
    "traefik.http.routers.app.rule": f"Host(`{HOST}`)",
    "traefik.http.services.app.loadbalancer.server.port": "80",
}


class Routes:
    """A file of the dynamic configuration, which `serve` writes; it does not exist before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._services: dict[str, list[str]] = {}

    @property
    def flag(self) -> str:
        """What makes an agent read it."""
        return f"--providers.file.filename={self.path}"

    @property
    def servers(self) -> Servers:
        return {f"{name}@file": frozenset(urls) for name, urls in self._services.items()}

    def serve(self, *origins: Origin | int, **others: Origin | Echo) -> None:
        """Have these origins, or ports, serve `HOST` from now on, and each of `others` NAME.test."""
        self._services = {"app": [_url(each) for each in origins]}
        self._services |= {name: [_url(other)] for name, other in others.items()}
        http = {
            "routers": {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in self._services},
            "services": {
                name: {"loadBalancer": {"servers": [{"url": url} for url in urls]}}
                for name, urls in self._services.items()
            },
        }
        young = self.path.with_suffix(".new")
        young.write_text(json.dumps({"http": http}))
        young.rename(self.path)


def _url(origin: Origin | Echo | int) -> str:
    return f"http://127.0.0.1:{origin if isinstance(origin, int) else origin.port}"


def docker_servers(service: str, containers: Iterable[Container]) -> Servers:
    """What these containers, as they are now, amount to."""
    urls = []
    for container in containers:
        container.reload()
        if container.status == "running":
            networks = container.attrs["NetworkSettings"]["Networks"]
            urls += [f"http://{network['IPAddress']}:80" for network in networks.values()]
    return {service: frozenset(urls)}


def labelled(client: docker.DockerClient, label: str) -> list[Container]:
    """The running containers that bear it."""
    found: list[Container] = client.containers.list(filters={"label": label}, ignore_removed=True)
    return found
