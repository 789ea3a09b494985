"""A compose project's containers: which there are, what they hold, what they answer."""

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


def parts(docker_client: docker.DockerClient, project: Compose) -> dict[str, Container]:
    """One container of each service."""
    names = project.run("config", "--services").split()
    found = docker_client.containers.list(filters={"label": f"com.docker.compose.project={project.project}"})
    by_service = {each.labels["com.docker.compose.service"]: each for each in found}
    assert set(by_service) == set(names)
    return by_service


def check_exposure(found: dict[str, Container], holder: str, public: set[str]) -> None:
    """One part has the Docker socket, and these have public ports."""
    mounts = {name: str(each.attrs["HostConfig"]["Binds"]) for name, each in found.items()}
    assert {name for name, text in mounts.items() if "docker.sock" in text} == {holder}
    assert {name for name, each in found.items() if each.attrs["HostConfig"]["PortBindings"]} == public


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

    until(answered, f"{host} answered by {sorted(expected)}")


def wait_for_turns(engine: Engine, port: int, host: str, expected: set[str]) -> None:
    """Returns once these bodies answer in strict turn; AssertionError at an answer that is not 200."""

    def in_turn() -> bool:
        answers = client.bodies(2 * len(expected), port, host, namespace=engine.namespace)
        return client.in_turn(answers, expected)

    until(in_turn, f"{sorted(expected)} in turn for {host}")
