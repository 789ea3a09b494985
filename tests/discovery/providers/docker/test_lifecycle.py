"""What containers go through on a real engine, event by event."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from discovery.providers.docker import DockerProvider
from rondpoint.model import Configuration, ServerState
from rondpoint.settings import DockerOptions
from tests.discovery.providers.docker.test_provider import labels, names, servers
from tests.discovery.providers.watching import Watched, watched
from tests.lab.engine import Engine
from tests.lab.waiting import until

Start = Callable[..., Container]
SECOND = 1_000_000_000  # in nanoseconds, as the engine counts
AT_ONCE = 10.0  # seconds, for a busy machine: an event takes milliseconds


@pytest.fixture
def running(engine: Engine) -> Iterator[Watched]:
    with watched(DockerProvider(DockerOptions(endpoint=engine.socket_url))) as running:
        running.next()
        yield running


def health_of(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_labels_in_the_place_of_the_engines_own_words_end_nothing(whoami: Start, running: Watched) -> None:
    """The engine puts a container's labels among the attributes of its events, over its own."""
    hostile = whoami(name="hostile", labels={**labels(), "signal": "\u00b2", "exitCode": "9" * 5000})
    running.until(lambda each: names(each) == ["hostile"])
    hostile.kill()
    running.until(lambda each: names(each) == [])
    whoami(name="next", labels=labels())
    running.until(lambda each: names(each) == ["next"])


def test_an_unhealthy_container_leaves_at_once_and_returns_at_once(whoami: Start, running: Watched) -> None:
    check = {"test": ["CMD", "/bin/test", "-e", "/tmp/well"], "interval": SECOND // 5, "retries": 1}
    container = whoami(name="patient", labels=labels(), healthcheck=check)
    container.exec_run(["/bin/touch", "/tmp/well"])
    running.until(lambda each: names(each) == ["patient"])
    for command, status, expected in (
        ("/bin/rm", "unhealthy", []),
        ("/bin/touch", "healthy", ["patient"]),
        ("/bin/rm", "unhealthy", []),
    ):
        container.exec_run([command, "/tmp/well"])
        until(lambda status=status: health_of(container) == status, f"the engine to say {status}")  # type: ignore[misc]
        began = time.monotonic()
        running.until(lambda each, expected=expected: names(each) == expected)  # type: ignore[misc]
        assert time.monotonic() - began < AT_ONCE


def test_what_docker_says_of_an_unhealthy_container_is_told(whoami: Start, running: Watched) -> None:
    check = {"test": ["CMD", "/bin/false"], "interval": SECOND // 5, "retries": 1}
    whoami(name="sick", labels=labels(), healthcheck=check)

    def told(configuration: Configuration) -> bool:
        return any("its health is unhealthy" in finding.message for finding in configuration.diagnostics)

    running.until(told)


def test_killed_with_a_signal_of_its_own_it_is_draining_at_once(
    whoami: Start, whoami_image: str, running: Watched
) -> None:
    container = whoami(name="own", labels=labels(), stop_signal="SIGUSR1")
    running.until(lambda each: names(each) == ["own"])
    container.kill("SIGUSR1")
    (server,) = servers(running.next())
    assert server.state is ServerState.DRAINING


@pytest.mark.parametrize("how", ["kill", "rm -f"])
def test_a_container_that_is_ended_by_force_is_out_at_once(whoami: Start, running: Watched, how: str) -> None:
    stays, goes = (whoami(name=name, labels=labels()) for name in ("stays", "goes"))
    running.until(lambda each: names(each) == ["goes", "stays"])
    began = time.monotonic()
    if how == "kill":
        goes.kill()
    else:
        goes.remove(force=True)

    def only_one_is_up(configuration: Configuration) -> bool:
        up = [server.name for server in servers(configuration) if server.state is ServerState.UP]
        return up == ["stays"]

    running.until(only_one_is_up)
    assert time.monotonic() - began < AT_ONCE
    stays.reload()


def test_a_router_made_of_the_name_follows_a_new_name(whoami: Start, engine: Engine) -> None:
    options = DockerOptions(endpoint=engine.socket_url, default_rule="Host(`{{ .Name }}.test`)")
    with watched(DockerProvider(options)) as running:
        running.next()
        container = whoami(name="old", labels={"traefik.enable": "true"})
        rules = running.until(lambda each: "old@docker" in each.routers).routers
        assert rules["old@docker"].rule.text == "Host(`old.test`)"
        container.rename("new")
        found = running.until(lambda each: "new@docker" in each.routers)
        assert set(found.routers) == set(found.services) == {"new@docker"}
        assert found.routers["new@docker"].rule.text == "Host(`new.test`)"


def test_a_restart_with_a_new_address_is_followed(whoami: Start, running: Watched) -> None:
    container = whoami(name="mover", labels=labels())
    (before,) = servers(running.until(lambda each: names(each) == ["mover"]))
    container.kill()
    running.until(lambda each: names(each) == [])
    squatter = whoami(name="squatter", labels={"traefik.enable": "false"})
    assert squatter.attrs["NetworkSettings"]["IPAddress"] == before.host, "the address is taken"
    container.start()
    (after,) = servers(running.until(lambda each: names(each) == ["mover"]))
    container.reload()
    assert after.host == container.attrs["NetworkSettings"]["IPAddress"] != before.host


def test_a_paused_container_is_out_at_once_and_back_at_once(whoami: Start, running: Watched) -> None:
    container = whoami(name="sleeper", labels=labels())
    running.until(lambda each: names(each) == ["sleeper"])
    for act, expected in ((container.pause, []), (container.unpause, ["sleeper"])) * 2:
        act()
        began = time.monotonic()
        running.until(lambda each, expected=expected: names(each) == expected)  # type: ignore[misc]
        assert time.monotonic() - began < AT_ONCE


def test_a_paused_container_that_is_ended_is_gone(whoami: Start, running: Watched) -> None:
    container = whoami(name="frozen", labels=labels())
    running.until(lambda each: names(each) == ["frozen"])
    container.pause()
    running.until(lambda each: names(each) == [])
    container.unpause()
    running.until(lambda each: names(each) == ["frozen"])
    container.pause()
    container.remove(force=True)
    found = running.until(lambda each: not each.diagnostics and names(each) == [])
    assert not found.services


def test_leaving_its_only_network_takes_a_server_out_and_joining_one_brings_it_back(
    whoami: Start, running: Watched, docker_client: docker.DockerClient
) -> None:
    network: Any = docker_client.networks.create("rp-life")
    try:
        container = whoami(name="nomad", labels=labels(), network="rp-life")
        (before,) = servers(running.until(lambda each: names(each) == ["nomad"]))
        network.disconnect(container)
        running.until(lambda each: names(each) == [])
        docker_client.networks.get("bridge").connect(container)
        (after,) = servers(running.until(lambda each: names(each) == ["nomad"]))
        assert after.host != before.host
    finally:
        container.remove(force=True)
        network.remove()


def test_hundreds_of_events_come_to_what_is_there(whoami: Start, running: Watched) -> None:
    containers = [whoami(name=f"n{number}", labels=labels()) for number in range(5)]
    running.until(lambda each: len(names(each)) == 5)
    for _ in range(30):
        for container in containers:
            container.pause()
            container.unpause()
    containers[0].kill()
    expected = [f"n{number}" for number in range(1, 5)]
    until(
        lambda: running.quiet(1.0) and running.last is not None and names(running.last) == expected,
        "the last event to be applied",
    )
