"""The README's section 'With Docker' works on a real engine, in a copy of the repository."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from rondpoint.store.sealing import MIN_SECRET_LENGTH
from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.http import is_round_robin
from tests.lab.readme import blocks
from tests.lab.scene import check_exposure, containers_by_service, hosts
from tests.lab.tutorial import Shell
from tests.lab.waiting import until

# `docker compose` is a plugin of the docker command; Debian has the same program as docker-compose.
PLUGIN = """\
#!/bin/sh
case $1 in
docker-cli-plugin-metadata) echo '%s' ;;
*) shift && exec docker-compose "$@" ;;
esac
"""
METADATA = {"SchemaVersion": "0.1.0", "Vendor": "Debian", "Version": "1"}
PROJECT = "readme"


@pytest.fixture
def client_settings(short_path: Path) -> Path:
    """A settings directory of the docker command, with the plugin."""
    plugin = short_path / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir()
    plugin.write_text(PLUGIN % json.dumps(METADATA))
    plugin.chmod(0o755)
    return short_path


@pytest.fixture
def project(engine: Engine, clone: Path, docker_client: docker.DockerClient) -> Iterator[Compose]:
    """The compose project of the repository; it and the README's container are removed after the test."""
    yield Compose(clone, engine.socket_url, project=PROJECT)
    with suppress(NotFound):
        docker_client.containers.get("mine").remove(force=True)
    Compose(clone, engine.socket_url, project=PROJECT).down()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("official_images", "usual_socket")
def test_the_commands_lead_to_a_routed_container(
    engine: Engine,
    docker_client: docker.DockerClient,
    images: dict[str, str],
    clone: Path,
    client_settings: Path,
    project: Compose,
) -> None:
    # The first command builds the image again from cached layers.
    docker_client.images.remove(images["rondpoint"])
    assert shutil.which("docker")
    begin, mine, end = (block.splitlines() for block in blocks()["With Docker"])
    environment = {
        "DOCKER_HOST": engine.socket_url,
        "DOCKER_CONFIG": str(client_settings),
        "COMPOSE_PROJECT_NAME": PROJECT,
    }
    with Shell(clone, [], enter=engine.enter, environment=environment) as shell:
        up, request, scale = begin
        shell.run(up)
        (first,) = hosts(project, "webapp")
        wait_for_outputs(shell, request, {first})
        shell.run(scale)
        three = hosts(project, "webapp")
        assert len(three) == 3
        wait_for_outputs(shell, request, three)
        until(
            lambda: is_round_robin([shell.run(quiet(request)).strip() for _ in range(6)], three),
            "the three in round robin",
        )
        check_containers(containers_by_service(docker_client, project, ended={"secret"}))

        run, request = mine
        name = shell.run(run).strip()[:12]
        wait_for_outputs(shell, request, {name})
        for command in end:
            shell.run(command)
        assert project.run("ps", "-q").split() == []


def check_containers(found: dict[str, Container]) -> None:
    """Check exposure and health: only the agent has the socket; the proxy is public and not root."""
    check_exposure(found, "agent", {"proxy"})
    for name in ("agent", "proxy"):
        until(
            lambda name=name: (  # type: ignore[misc]
                found[name].exec_run(["rondpoint", "healthcheck", "--process=1"]) == (0, b"healthy\n")
            ),
            f"the health of {name}",
        )
    assert found["proxy"].exec_run(["id", "-un"]) == (0, b"rondpoint\n")
    secrets = {name: found[name].exec_run(["cat", "/secret/store"]).output for name in ("agent", "proxy")}
    assert secrets["agent"] == secrets["proxy"]
    assert len(secrets["agent"].split()) == 1
    assert len(secrets["agent"]) > MIN_SECRET_LENGTH


def quiet(command: str) -> str:
    return command.replace("curl ", "curl -sS --max-time 30 ")


def wait_for_outputs(shell: Shell, request: str, expected: set[str]) -> None:
    def all_respond() -> bool:
        return {shell.run(quiet(request)).strip() for _ in range(2 * len(expected))} == expected

    until(all_respond, f"{request} returning {sorted(expected)}", timeout=60.0)
