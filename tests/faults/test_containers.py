"""Changes of containers: scaled by docker-compose, killed, removed, replaced one by one."""

from collections.abc import Callable

import docker
from docker.models.containers import Container

from tests.faults.conftest import Report
from tests.faults.site import Site
from tests.faults.sources import HOST, LABELS, containers_with_label, servers_of_containers
from tests.lab.compose import Compose

COMPOSE = f"""\
version: "2"
services:
  webapp:
    image: rondpoint/whoami
    labels:
      - traefik.port=80
      - traefik.backend=app
      - traefik.frontend.rule=Host:{HOST}
"""
PROJECT = "com.docker.compose.service=webapp"


def start_processes(site: Site) -> Site:
    """Start an agent that follows the engine, and two proxies."""
    site.follow_docker()
    for _ in range(2):
        site.instance()
    return site


def test_scaling_up_and_down_fails_no_request(
    docker_site: Site,
    docker_client: docker.DockerClient,
    compose: Callable[..., Compose],
    report: Report,
    full: bool,
) -> None:
    site, project, rounds = start_processes(docker_site), compose(COMPOSE), 10 if full else 1

    def converged() -> float:
        return site.converge(
            servers_of_containers("app@docker", containers_with_label(docker_client, PROJECT))
        )

    project.up()
    converged()
    # A running container may not listen yet, and there is no other one.
    for instance in site.instances:
        instance.wait_for(HOST)
    converged()
    slowest = 0.0
    with site.load() as load:
        for _ in range(rounds):
            for count in (5, 1):
                project.up(scale={"webapp": count})
                assert len(containers_with_label(docker_client, PROJECT)) == count
                slowest = max(slowest, converged())
                load.wait_for(100)
    report(f"docker-compose scales 1 to 5 to 1, {rounds} times", load, converged=slowest)
    load.assert_no_failures()


def test_killed_and_removed_containers_fail_no_request_that_may_be_repeated(
    docker_site: Site,
    docker_client: docker.DockerClient,
    whoami: Callable[..., Container],
    report: Report,
    full: bool,
) -> None:
    site, rounds = start_processes(docker_site), 10 if full else 1

    def converged() -> float:
        return site.converge(servers_of_containers("app@docker", containers))

    containers = [whoami(labels=LABELS) for _ in range(3)]
    converged()
    slowest = 0.0
    with site.load(posts=4) as load:
        for _ in range(rounds):
            for end in (Container.kill, lambda container: container.remove(force=True)):
                containers.append(whoami(labels=LABELS))
                converged()
                load.wait_for(100)
                end(containers.pop(0))
                slowest = max(slowest, converged())
                load.wait_for(100)
    name = f"docker kill and docker rm -f of one of four serving containers, {rounds} times"
    report(name, load, converged=slowest, may_fail="POST: 502")
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()
    # Each client that posts had at most one request in flight.
    assert len(load.failures) <= 2 * rounds * load.plan.posts


def test_containers_replaced_one_by_one_fail_no_request(
    docker_site: Site,
    docker_client: docker.DockerClient,
    whoami: Callable[..., Container],
    report: Report,
    full: bool,
) -> None:
    site, rounds = start_processes(docker_site), 5 if full else 1
    # After SIGTERM, they continue until all workers know it, and then finish their requests.
    options = {"labels": LABELS, "environment": {"NOTICE": "2", "LINGER": "3"}}

    def converged() -> float:
        return site.converge(servers_of_containers("app@docker", containers))

    containers = [whoami(**options) for _ in range(3)]
    converged()
    slowest = 0.0
    with site.load(posts=4) as load:
        for _ in range(rounds * len(containers)):
            old = containers.pop(0)
            old.stop()
            containers.append(whoami(**options))
            slowest = max(slowest, converged())
            old.remove()
            load.wait_for(50)
    name = f"a service's three containers stopped and replaced one by one, {rounds} times"
    report(name, load, converged=slowest)
    load.assert_no_failures()
