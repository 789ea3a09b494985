"""The lifecycle of containers on a real engine, event by event."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from discovery.providers.docker import DockerProvider
from rondpoint.configuration import Configuration
from rondpoint.model import ServerState
from rondpoint.settings import DockerOptions
from tests.discovery.providers.docker.test_provider import labels, names, servers
from tests.discovery.providers.watching import Watched, watched
from tests.lab.engine import Engine
from tests.lab.waiting import until

Start = Callable[..., Container]
SECOND = 1_000_000_000  # in nanoseconds, as the engine counts
AT_ONCE = 10.0  # seconds; an event takes milliseconds, but the machine may be busy


@pytest.fixture
def running(engine: Engine) -> Iterator[Watched]:
    with watched(DockerProvider(DockerOptions(endpoint=engine.socket_url))) as running:
        running.next()
        yield running


def health_of(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_labels_that_overwrite_the_engines_attributes_do_no_harm(whoami: Start, running: Watched) -> None:
    """The engine merges a container's labels into the attributes of its events, over its own."""
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


def test_an_unhealthy_container_is_reported(whoami: Start, running: Watched) -> None:
    check = {"test": ["CMD", "/bin/false"], "interval": SECOND // 5, "retries": 1}
    whoami(name="sick", labels=labels(), healthcheck=check)

    def is_reported(configuration: Configuration) -> bool:
        return any(
            "its health is unhealthy" in diagnostic.message for diagnostic in configuration.diagnostics
        )

    running.until(is_reported)


def test_a_container_with_its_own_stop_signal_drains_at_that_signal(
    whoami: Start, whoami_image: str, running: Watched
) -> None:
    container = whoami(name="own", labels=labels(), stop_signal="SIGUSR1")
    running.until(lambda each: names(each) == ["own"])
    container.kill("SIGUSR1")
    (server,) = servers(running.next())
    assert server.state is ServerState.DRAINING


@pytest.mark.parametrize("how", ["kill", "rm -f"])
def test_a_container_that_is_ended_by_force_leaves_at_once(whoami: Start, running: Watched, how: str) -> None:
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


def test_a_router_named_after_its_container_is_renamed_with_it(whoami: Start, engine: Engine) -> None:
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


def test_a_paused_container_leaves_at_once_and_returns_at_once(whoami: Start, running: Watched) -> None:
    container = whoami(name="sleeper", labels=labels())
    running.until(lambda each: names(each) == ["sleeper"])
    for act, expected in ((container.pause, []), (container.unpause, ["sleeper"])) * 2:
        act()
        began = time.monotonic()
        running.until(lambda each, expected=expected: names(each) == expected)  # type: ignore[misc]
        assert time.monotonic() - began < AT_ONCE


def test_a_paused_container_that_ends_is_removed(whoami: Start, running: Watched) -> None:
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


def test_a_container_without_a_network_takes_no_requests_until_it_joins_one(
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


def test_after_hundreds_of_events_the_configuration_is_right(whoami: Start, running: Watched) -> None:
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
