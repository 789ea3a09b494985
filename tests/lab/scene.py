"""Inspects the containers of a compose project and sends requests to them."""

import docker
from docker.models.containers import Container

from tests.lab import http as client
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.waiting import until


def hosts(project: Compose, service: str) -> set[str]:
    """Return the host names of a service's containers: they are the bodies of their responses."""
    return {name[:12] for name in project.run("ps", "-q", service).split()}


def container(docker_client: docker.DockerClient, project: Compose, service: str) -> Container:
    return docker_client.containers.get(project.run("ps", "-q", service).strip())


def containers_by_service(
    docker_client: docker.DockerClient, project: Compose, *, ended: set[str] | None = None
) -> dict[str, Container]:
    """Return one running container of each service except those in `ended`, which must not run any more."""
    names = project.run("config", "--services").split()
    containers = docker_client.containers.list(
        filters={"label": f"com.docker.compose.project={project.project}"}
    )
    by_service = {each.labels["com.docker.compose.service"]: each for each in containers}
    assert set(by_service) == set(names) - (ended or set())
    return by_service


def check_exposure(containers: dict[str, Container], socket_service: str, public: set[str]) -> None:
    """Check that only `socket_service` has the Docker socket and only `public` services have public ports."""
    mounts = {name: str(each.attrs["HostConfig"]["Binds"]) for name, each in containers.items()}
    assert {name for name, text in mounts.items() if "docker.sock" in text} == {socket_service}
    assert {name for name, each in containers.items() if each.attrs["HostConfig"]["PortBindings"]} == public


def wait_for_bodies(engine: Engine, port: int, host: str, expected: set[str]) -> None:
    """Wait until requests to this host return exactly these bodies."""

    def all_respond() -> bool:
        try:
            responses = [
                client.request(port, host, namespace=engine.namespace) for _ in range(2 * len(expected))
            ]
        except OSError:
            return False
        return {response.text for response in responses if response.status == 200} == expected

    until(all_respond, f"{host} returning {sorted(expected)}")


def wait_for_round_robin(engine: Engine, port: int, host: str, expected: set[str]) -> None:
    """Wait for these bodies in strict round robin. Raises AssertionError at a response that is not 200."""

    def has_round_robin() -> bool:
        bodies = client.bodies(2 * len(expected), port, host, namespace=engine.namespace)
        return client.is_round_robin(bodies, expected)

    until(has_round_robin, f"{sorted(expected)} in round robin for {host}")
