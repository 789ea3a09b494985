"""The compose files below docs/examples, on a real engine: what they are examples of happens."""

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
    # The first test here has all images made.
    pytest.mark.timeout(600),
]


def info(sentinel: Container) -> str:
    return str(sentinel.exec_run(["redis-cli", "-p", "26379", "info", "sentinel"]).output.decode())


def all_serve(engine: Engine, instances: int) -> bool:
    """Whether each worker of so many proxies serves what is stored."""
    try:
        told = client.request(8080, "localhost", "/api/instances", namespace=engine.namespace)
    except OSError:
        return False
    found = json.loads(told.body)["instances"] if told.status == 200 else []
    return len(found) == instances and all(
        worker["current"] and worker["revision"] for each in found for worker in each["workers"]
    )


def check_health(each: Container) -> None:
    """What the engine asks for its health succeeds, now or soon."""
    kind, *command = each.attrs["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    until(lambda: each.exec_run(command).exit_code == 0, f"{each.name} healthy", timeout=60.0)


def scale(project: Compose, count: int) -> set[str]:
    """The host names of so many web apps, brought up with nothing else touched."""
    project.run("up", "--detach", "--no-color", "--no-deps", f"--scale=webapp={count}", "webapp")
    return hosts(project, "webapp")


def test_with_sentinels_a_dead_primary_stops_neither_requests_nor_changes(
    engine: Engine, docker_client: docker.DockerClient, example: Callable[[str], Compose]
) -> None:
    project = example("sentinel")
    project.up()
    found = containers_by_service(docker_client, project)
    check_exposure(found, "agent", {"proxy-1", "proxy-2"})
    before = hosts(project, "webapp")
    until(lambda: all_serve(engine, 2), "two proxies with the newest configuration", timeout=60.0)
    for port in PORTS:
        wait_for_bodies(engine, port, HOST, before)
    for name in ("primary", "replica", "sentinel-1", "sentinel-2", "sentinel-3", "agent", "proxy-1"):
        check_health(found[name])

    def named() -> str:
        """Whom a sentinel calls the primary; each time, both proxies must answer."""
        for port in PORTS:
            answer = client.request(port, HOST, namespace=engine.namespace)
            assert (answer.status, answer.text) == (200, *before)
        output = found["sentinel-1"].exec_run([*SENTINEL, "get-master-addr-by-name", "mymaster"]).output
        return str(output.split()[0].decode())

    until(lambda: "slaves=1,sentinels=3" in info(found["sentinel-1"]), "a replica and three sentinels")
    assert named() == "172.30.57.2"
    project.run("kill", "primary")
    until(lambda: named() == "172.30.57.3", "the replica in the primary's place", timeout=60.0)
    after = scale(project, 3)
    assert before < after
    for port in PORTS:
        wait_for_bodies(engine, port, HOST, after)

    project.run("start", "primary")
    role = ["redis-cli", "role"]
    until(
        lambda: b"slave" in found["primary"].exec_run(role).output, "the old primary as a replica", timeout=60
    )


def test_beside_consul_a_container_is_routed_by_what_the_registrar_says_and_stays_without_consul(
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
