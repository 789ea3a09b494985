"""The compose files below docs/examples work on a real engine."""

import json
import re
from collections.abc import Callable

import docker
import pytest
from docker.models.containers import Container

from tests.lab import http as client
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.scene import (
    check_exposure,
    container,
    containers_by_service,
    hosts,
    wait_for_bodies,
    wait_for_round_robin,
)
from tests.lab.waiting import until

HOST = "hello.localhost"
PORTS = (8000, 8001)
SENTINEL = ["redis-cli", "-p", "26379", "sentinel"]

pytestmark = [
    pytest.mark.usefixtures("images", "official_images", "usual_socket"),
    # The first test builds all images.
    pytest.mark.timeout(600),
]


def info(sentinel: Container) -> str:
    return str(sentinel.exec_run(["redis-cli", "-p", "26379", "info", "sentinel"]).output.decode())


def all_current(engine: Engine, instances: int) -> bool:
    """Return whether there are `instances` proxies and each worker serves the stored configuration."""
    try:
        response = client.request(8080, "localhost", "/api/instances", namespace=engine.namespace)
    except OSError:
        return False
    found = json.loads(response.body)["instances"] if response.status == 200 else []
    return len(found) == instances and all(
        worker["current"] and worker["revision"] for each in found for worker in each["workers"]
    )


def check_health(each: Container) -> None:
    """Wait until the container's health check command succeeds."""
    kind, *command = each.attrs["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    until(lambda: each.exec_run(command).exit_code == 0, f"{each.name} healthy", timeout=60.0)


def scale(project: Compose, count: int) -> set[str]:
    """Scale the web app alone to `count` containers; return their host names."""
    project.run("up", "--detach", "--no-color", "--no-deps", f"--scale=webapp={count}", "webapp")
    return hosts(project, "webapp")


def test_with_sentinels_requests_and_changes_continue_after_the_primary_dies(
    engine: Engine, docker_client: docker.DockerClient, example: Callable[[str], Compose]
) -> None:
    project = example("sentinel")
    project.up()
    found = containers_by_service(docker_client, project)
    check_exposure(found, "agent", {"proxy-1", "proxy-2"})
    before = hosts(project, "webapp")
    until(lambda: all_current(engine, 2), "two proxies with the newest configuration", timeout=60.0)
    for port in PORTS:
        wait_for_bodies(engine, port, HOST, before)
    for name in ("primary", "replica", "sentinel-1", "sentinel-2", "sentinel-3", "agent", "proxy-1"):
        check_health(found[name])

    def current_primary() -> str:
        """Return a sentinel's primary; each time, both proxies must respond."""
        for port in PORTS:
            response = client.request(port, HOST, namespace=engine.namespace)
            assert (response.status, response.text) == (200, *before)
        output = found["sentinel-1"].exec_run([*SENTINEL, "get-master-addr-by-name", "mymaster"]).output
        return str(output.split()[0].decode())

    until(lambda: "slaves=1,sentinels=3" in info(found["sentinel-1"]), "a replica and three sentinels")
    assert current_primary() == "172.30.57.2"
    project.run("kill", "primary")
    until(lambda: current_primary() == "172.30.57.3", "the replica as the new primary", timeout=60.0)
    after = scale(project, 3)
    assert before < after
    for port in PORTS:
        wait_for_bodies(engine, port, HOST, after)

    project.run("start", "primary")
    role = ["redis-cli", "role"]
    until(
        lambda: b"slave" in found["primary"].exec_run(role).output, "the old primary as a replica", timeout=60
    )


def test_with_consul_registered_containers_are_routed_and_stay_routed_when_consul_dies(
    engine: Engine, docker_client: docker.DockerClient, example: Callable[[str], Compose]
) -> None:
    project = example("consul")
    project.up()
    found = containers_by_service(docker_client, project)
    check_exposure(found, "registrator", {"proxy"})
    wait_for_bodies(engine, 8000, HOST, hosts(project, "webapp"))
    for name in ("consul", "redis", "agent", "proxy"):
        check_health(found[name])
    listed = container(docker_client, project, "consul").exec_run(["consul", "catalog", "services"])
    assert re.split(r"\s+", listed.output.decode().strip()) == ["consul", "hello"]

    three = scale(project, 3)
    assert len(three) == 3
    wait_for_bodies(engine, 8000, HOST, three)
    project.run("kill", "consul")
    wait_for_round_robin(engine, 8000, HOST, three)
