"""What the containers of a compose project answer."""

import docker
from docker.models.containers import Container

from tests.lab import http as client
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.waiting import until


def hosts(project: Compose, service: str) -> set[str]:
    """The host names of a service's containers, which is what they answer."""
    return {name[:12] for name in project.run("ps", "-q", service).split()}


def container(docker_client: docker.DockerClient, project: Compose, service: str) -> Container:
    return docker_client.containers.get(project.run("ps", "-q", service).strip())


def wait_for_bodies(engine: Engine, port: int, host: str, expected: set[str]) -> None:
    """Returns once requests to this host are answered by exactly these bodies."""

    def answered() -> bool:
        try:
            answers = [
                client.request(port, host, namespace=engine.namespace) for _ in range(2 * len(expected))
            ]
        except OSError:
            return False
        return {answer.text for answer in answers if answer.status == 200} == expected

    until(answered, f"{host} answered by {sorted(expected)}", timeout=30.0)
