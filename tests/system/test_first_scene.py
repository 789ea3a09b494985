"""The article's first scene: docker-compose, labels of Traefik 1, `--web --docker`, scaling."""

from collections.abc import Callable
from pathlib import Path

from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.waiting import until

COMPOSE = """\
version: "2"
services:
  webapp:
    image: osones/helloworld
    labels:
      - traefik.port=80
      - traefik.backend=hello
      - traefik.frontend.rule=Host:hello.docker
"""

SETTINGS = """\
[docker]
domain = "docker"
endpoint = "unix:///var/run/docker.sock"
watch = true
"""


def containers(project: Compose) -> set[str]:
    """Return the host names of the project's running containers: they are the bodies of their responses."""
    return {name[:12] for name in project.run("ps", "-q", "webapp").split()}


def test_scaling_changes_the_containers_in_strict_round_robin(
    engine: Engine,
    compose: Callable[..., Compose],
    installation: Callable[..., Installation],
    tmp_path: Path,
) -> None:
    project = compose(COMPOSE)
    project.up()
    (tmp_path / "traefik.toml").write_text(SETTINGS)
    # `engine` overrides the socket in the file: the lab's engine has another one.
    running = installation(
        "--web", "--docker", "--logLevel=DEBUG", "--workers=2", engine=engine, directory=tmp_path
    )
    running.wait_for_bodies(containers(project), "hello.docker")

    project.up(scale={"webapp": 5})
    five = containers(project)
    assert len(five) == 5
    running.wait_for_bodies(five, "hello.docker")
    running.wait_for_round_robin(five, "hello.docker")

    project.up(scale={"webapp": 2})
    two = containers(project)
    assert len(two) == 2
    running.wait_for_bodies(two, "hello.docker")
    running.wait_for_workers(2)
    assert set(running.bodies(10, "hello.docker")) == two


def test_without_a_rule_the_host_is_service_project_and_domain(
    engine: Engine,
    compose: Callable[..., Compose],
    installation: Callable[..., Installation],
    tmp_path: Path,
) -> None:
    project = compose('version: "2"\nservices:\n  webapp:\n    image: osones/helloworld\n', name="shop")
    project.up()
    (tmp_path / "traefik.toml").write_text(SETTINGS)
    running = installation("--workers=1", engine=engine, directory=tmp_path)
    running.wait_for("webapp.shop.docker")
    assert running.request("hello.docker").status == 404


def test_both_workers_respond(
    engine: Engine, compose: Callable[..., Compose], installation: Callable[..., Installation]
) -> None:
    project = compose(COMPOSE)
    project.up(scale={"webapp": 2})
    running = installation("--web", "--docker", "--workers=2", engine=engine)
    running.wait_for_bodies(containers(project), "hello.docker")
    workers: set[int] = set()

    def both_responded() -> bool:
        workers.add(running.api("/api/rawdata")["worker"]["pid"])
        return len(workers) == 2

    until(both_responded, "responses from both workers")
