"""Rondpoint's images on a real engine: the article's scenes, with only the image names changed."""

import json
from collections.abc import Callable

import docker
import pytest
from docker.models.containers import Container

from tests.lab import http as client
from tests.lab import official
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.scene import container, hosts, wait_for_bodies, wait_for_round_robin
from tests.lab.second_scene import HELLO, HELLO_2, SETTINGS, TAGS, instances
from tests.lab.waiting import until

# The first test builds the images.
pytestmark = pytest.mark.timeout(600)

FIRST_SCENE = """\
version: "2"
services:
  traefik:
    image: rondpoint:all-in-one
    command: --web --docker --logLevel=DEBUG
    ports:
      - "80:80"
      - "8080:8080"
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - $PWD/traefik.toml:/traefik.toml
  webapp:
    image: osones/helloworld
    labels:
      - "traefik.port=80"
      - "traefik.backend=hello"
      - "traefik.frontend.rule=Host:hello.docker"
"""

FIRST_SETTINGS = """\
[docker]
domain = "docker"
endpoint = "unix:///var/run/docker.sock"
watch = true
"""

# Tries to connect to the engine's socket; it is run as the user of the proxy.
TRY_SOCKET = """\
import socket
try:
    socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock")
except PermissionError:
    print("refused")
"""


SECOND_SCENE = f"""\
version: "2"
services:
  consul:
    image: progrium/consul
    command: -server -bootstrap
    ports:
      - "8500:8500"
    labels:
      SERVICE_IGNORE: "true"
  registrator:
    image: rondpoint:registrator
    depends_on:
      - consul
    command: -internal consul://172.17.0.1:8500
    volumes:
      - /var/run/docker.sock:/tmp/docker.sock
  traefik:
    depends_on:
      - consul
    image: rondpoint:all-in-one
    ports:
      - "80:80"
      - "8080:8080"
    volumes:
      - $PWD/traefik.toml:/traefik.toml
    labels:
      SERVICE_IGNORE: "true"
{HELLO}{HELLO_2}"""

# Like the article's image, Consul listens on every address of the container.
CONSUL_ENTRY = ["/bin/consul", "agent", "-data-dir=/tmp/consul", "-client=0.0.0.0"]

LIST_PROCESSES = """\
from pathlib import Path
for process in Path("/proc").glob("[0-9]*"):
    print(process.owner(), (process / "cmdline").read_text().replace("\\0", " "))
"""


def test_the_first_scene_runs_with_only_the_image_name_changed(
    engine: Engine,
    docker_client: docker.DockerClient,
    compose: Callable[..., Compose],
    images: dict[str, str],
    usual_socket: None,
) -> None:
    project = compose(FIRST_SCENE, name="scene1")
    (project.directory / "traefik.toml").write_text(FIRST_SETTINGS)
    project.up()
    wait_for_bodies(engine, 80, "hello.docker", hosts(project, "webapp"))

    project.run("scale", "webapp=5")
    five = hosts(project, "webapp")
    assert len(five) == 5
    wait_for_bodies(engine, 80, "hello.docker", five)
    wait_for_round_robin(engine, 80, "hello.docker", five)

    dashboard = client.request(8080, "localhost", "/dashboard/", namespace=engine.namespace)
    assert dashboard.status == 200

    all_in_one = container(docker_client, project, "traefik")
    until(
        lambda: all_in_one.exec_run(["rondpoint", "healthcheck", "--process=1"]) == (0, b"healthy\n"),
        "its health",
    )
    check_rights(all_in_one)

    all_in_one.stop(timeout=15)
    all_in_one.reload()
    assert all_in_one.attrs["State"]["ExitCode"] == 0


def check_rights(all_in_one: Container) -> None:
    """Check that only the agent is root, and that the proxy's user cannot reach the engine."""
    code, output = all_in_one.exec_run(["python3", "-c", LIST_PROCESSES])
    assert code == 0, output
    listed = [line.split(" ", 1) for line in output.decode().splitlines()]
    users = {
        name: {user for user, command in listed if mark in command}
        for name, mark in {
            "agent": "rondpoint agent",
            "proxy": "rondpoint proxy",
            "store": "store.sock",
        }.items()
    }
    assert users == {"agent": {"root"}, "proxy": {"rondpoint"}, "store": {"rondpoint"}}, listed
    assert all_in_one.exec_run(["python3", "-c", TRY_SOCKET], user="rondpoint") == (0, b"refused\n")


@pytest.fixture
def consul_image(docker_client: docker.DockerClient) -> None:
    """Consul with the image name of the article."""
    official.consul(docker_client, "progrium/consul", CONSUL_ENTRY)


def test_the_second_scene_runs_with_only_the_image_names_changed(
    engine: Engine,
    compose: Callable[..., Compose],
    images: dict[str, str],
    consul_image: None,
    usual_socket: None,
) -> None:
    project = compose(SECOND_SCENE, name="scene2")
    (project.directory / "traefik.toml").write_text(SETTINGS)
    project.up()
    for service, host in (("hello", "hello.consul.local"), ("hello2", "hello2.osones.com")):
        wait_for_bodies(engine, 80, host, hosts(project, service))
    (entry,) = instances("helloworld", enter=engine.enter)
    assert entry["ServiceID"].endswith(":scene2_hello2_1:80")
    assert (entry["ServiceTags"], entry["ServicePort"]) == (TAGS, 80)

    def is_in_api() -> bool:
        response = client.request(8080, "localhost", "/api/rawdata", namespace=engine.namespace)
        return "hello2@consulcatalog" in json.loads(response.body)["services"]

    # Any worker may respond, and one of them may apply the change a moment later.
    until(is_in_api, "the service in the API")

    project.up(scale={"hello": 3})
    wait_for_bodies(engine, 80, "hello.consul.local", hosts(project, "hello"))
    assert len(instances("hello", enter=engine.enter)) == 3


def test_images_have_a_health_check_and_ports(
    docker_client: docker.DockerClient, images: dict[str, str]
) -> None:
    for target in ("rondpoint", "all-in-one"):
        config = docker_client.images.get(images[target]).attrs["Config"]
        assert config["Healthcheck"]["Test"] == ["CMD", "rondpoint", "healthcheck", "--process=1"]
        assert set(config["ExposedPorts"]) == {"80/tcp", "8080/tcp"}
    assert docker_client.images.get(images["rondpoint"]).attrs["Config"]["User"] == "rondpoint"


def test_an_unhealthy_proxy_prints_the_reason(
    docker_client: docker.DockerClient, images: dict[str, str]
) -> None:
    started = docker_client.containers.run(
        images["rondpoint"], ["healthcheck", "--entryPoints.traefik.address=:9999"], detach=True
    )
    try:
        assert started.wait()["StatusCode"] == 1
        assert b"unhealthy: no response from http://127.0.0.1:9999/ping" in started.logs()
    finally:
        started.remove(force=True)


def test_an_unknown_flag_ends_the_container_with_a_hint(
    docker_client: docker.DockerClient, images: dict[str, str]
) -> None:
    started = docker_client.containers.run(images["all-in-one"], ["--dokcer"], detach=True)
    try:
        assert started.wait()["StatusCode"] == 2
        assert b"did you mean" in started.logs()
    finally:
        started.remove(force=True)
