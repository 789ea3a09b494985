"""Tests of the lab's Docker engine and docker-compose."""

from collections.abc import Callable
from contextlib import suppress

import docker
import pytest
from docker.models.containers import Container

from tests.lab import http
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.namespace import connect
from tests.lab.processes import Processes
from tests.lab.waiting import until

WEBAPP = """
version: "2"
services:
  webapp:
    image: osones/helloworld
    labels: [traefik.port=80]
"""


def request_container(container: Container, engine: Engine, path: str = "/") -> http.Response:
    address = next(iter(container.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"]

    def try_request() -> http.Response | None:
        try:
            return http.request(80, "any.host", path, address=address, namespace=engine.namespace)
        except OSError:
            return None

    return until(try_request, f"a response from {address}")


def test_a_container_responds_inside_the_namespace_with_its_host_name(
    engine: Engine, whoami: Callable[..., Container]
) -> None:
    container = whoami(hostname="one")
    assert request_container(container, engine).text == "one"
    assert request_container(container, engine, "/any/path").text == "one"


def test_a_container_is_unreachable_from_outside_the_namespace(
    engine: Engine, whoami: Callable[..., Container]
) -> None:
    if engine.namespace is None:
        pytest.skip("an existing engine has no namespace")
    container = whoami(hostname="secluded")
    request_container(container, engine)
    address = container.attrs["NetworkSettings"]["IPAddress"]
    # The machine's own network may have something else at this address.
    with suppress(OSError):
        assert http.request(80, "any.host", address=address, timeout=0.5).text != "secluded"


def test_a_program_enters_the_namespace(
    engine: Engine, whoami: Callable[..., Container], processes: Processes
) -> None:
    container = whoami(hostname="seen-by-wget")
    request_container(container, engine)
    url = f"http://{container.attrs['NetworkSettings']['IPAddress']}/"
    client = processes("busybox", "wget", "-q", "-O", "-", url, enter=engine.enter)
    assert client.wait() == 0
    assert client.wait_for_line("seen-by-wget")


def test_a_stopped_container_with_linger_finishes_its_request(
    engine: Engine, whoami: Callable[..., Container]
) -> None:
    container = whoami(hostname="slow", environment={"LINGER": "6"})
    request_container(container, engine)
    address = container.attrs["NetworkSettings"]["IPAddress"]
    with connect(address, 80, namespace=engine.namespace) as connection:
        # After the first response, the server has accepted the connection.
        connection.sendall(http.message("any.host"))
        assert http.read_response(connection).text == "slow"
        connection.sendall(http.message("any.host", "/sleep/1"))
        container.stop()
        assert http.read_response(connection).text == "slow"


def test_compose_scales_a_service_up_and_down(
    engine: Engine, docker_client: docker.DockerClient, compose: Callable[..., Compose]
) -> None:
    project = compose(WEBAPP, name="scaling")

    def names() -> set[str]:
        label = "com.docker.compose.project=scaling"
        return {
            request_container(each, engine).text
            for each in docker_client.containers.list(filters={"label": label})
        }

    project.up()
    assert len(names()) == 1
    project.up(scale={"webapp": 3})
    assert len(names()) == 3
    project.up(scale={"webapp": 2})
    assert len(names()) == 2
    project.down()
    assert names() == set()
