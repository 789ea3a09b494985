"""The Docker provider on a real engine."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from discovery.providers.docker import DockerProvider
from discovery.providers.errors import ProviderError
from rondpoint.configuration import Configuration
from rondpoint.model import Server, ServerState
from rondpoint.settings import DockerOptions
from tests.discovery.providers.watching import Watched, watched
from tests.lab.engine import Engine
from tests.lab.relay import Relay
from tests.lab.waiting import until

Start = Callable[..., Container]


def labels(backend: str = "w", **more: str) -> dict[str, str]:
    return {"traefik.backend": backend, "traefik.frontend.rule": f"Host:{backend}.test", **more}


def servers(configuration: Configuration, service: str = "w@docker") -> tuple[Server, ...]:
    found = configuration.services.get(service)
    return found.servers if found else ()


def names(configuration: Configuration) -> list[str]:
    return [server.name for server in servers(configuration)]


@pytest.fixture
def provider(engine: Engine) -> DockerProvider:
    return DockerProvider(DockerOptions(endpoint=engine.socket_url))


@pytest.fixture
def running(provider: DockerProvider) -> Iterator[Watched]:
    with watched(provider) as running:
        running.next()
        yield running


def test_running_containers_are_found_at_the_start(whoami: Start, provider: DockerProvider) -> None:
    whoami(name="before", labels=labels())
    with watched(provider) as running:
        assert names(running.next()) == ["before"]


def test_a_container_comes_drains_and_goes(whoami: Start, running: Watched) -> None:
    container = whoami(name="one", labels=labels(), environment={"LINGER": "8"})
    (server,) = servers(running.until(lambda each: names(each) == ["one"]))
    assert server.host == container.attrs["NetworkSettings"]["IPAddress"]
    assert server.port == 80
    assert server.state is ServerState.UP
    stopping = threading.Thread(target=container.stop)
    stopping.start()
    (server,) = servers(running.next())
    assert server.state is ServerState.DRAINING
    container.reload()
    assert container.status == "running", "it drains before it ends"
    assert servers(running.next()) == ()
    stopping.join()


def test_a_restarted_container_takes_requests_again(whoami: Start, running: Watched) -> None:
    container = whoami(name="again", labels=labels())
    running.until(lambda each: names(each) == ["again"])
    container.restart(timeout=3)
    running.until(lambda each: servers(each) == ())
    (server,) = servers(running.until(lambda each: names(each) == ["again"]))
    assert server.state is ServerState.UP


def test_a_harmless_signal_changes_nothing(whoami: Start, running: Watched) -> None:
    container = whoami(name="hup", labels=labels())
    running.until(lambda each: names(each) == ["hup"])
    container.kill("SIGCONT")
    assert running.quiet()


def test_scaled_containers_are_one_service(whoami: Start, running: Watched) -> None:
    for number in (1, 2, 3):
        whoami(name=f"s{number}", labels=labels())
    configuration = running.until(lambda each: len(servers(each)) == 3)
    assert names(configuration) == ["s1", "s2", "s3"]
    assert len(configuration.routers) == 1


def test_the_health_of_a_container_decides_whether_it_takes_requests(whoami: Start, running: Watched) -> None:
    second = 1_000_000_000
    check = {"test": ["CMD", "/bin/test", "-e", "/tmp/well"], "interval": second // 5, "retries": 1}
    container = whoami(name="sick", labels=labels(), healthcheck=check)
    assert container.exec_run(["/bin/touch", "/tmp/well"]).exit_code == 0
    running.until(lambda each: names(each) == ["sick"])
    assert container.exec_run(["/bin/rm", "/tmp/well"]).exit_code == 0
    running.until(lambda each: names(each) == [])


def test_a_stopped_container_keeps_its_routes_if_its_label_says_so(
    whoami: Start, running: Watched, docker_client: docker.DockerClient
) -> None:
    given = labels(**{"traefik.docker.allownonrunning": "true"})
    container = whoami(name="stopped", labels=given)
    running.until(lambda each: names(each) == ["stopped"])
    container.kill()
    running.until(lambda each: names(each) == [] and len(each.routers) == len(each.services) == 1)
    container.start()
    running.until(lambda each: names(each) == ["stopped"])
    container.remove(force=True)
    running.until(lambda each: not each.routers)
    created = docker_client.containers.create(container.attrs["Config"]["Image"], name="made", labels=given)
    try:
        running.until(lambda each: len(each.routers) == 1 and names(each) == [])
    finally:
        created.remove()
    running.until(lambda each: not each.routers)


def test_a_container_that_stopped_before_the_start_keeps_its_routes_too(
    whoami: Start, provider: DockerProvider
) -> None:
    whoami(name="stopped", labels=labels(**{"traefik.docker.allownonrunning": "true"})).kill()
    with watched(provider) as running:
        running.until(lambda each: names(each) == [] and len(each.routers) == 1)


def test_a_paused_container_takes_no_requests(whoami: Start, running: Watched) -> None:
    container = whoami(name="paused", labels=labels())
    running.until(lambda each: names(each) == ["paused"])
    container.pause()
    running.until(lambda each: names(each) == [])
    container.unpause()
    running.until(lambda each: names(each) == ["paused"])


def test_renaming_and_networks_are_followed(
    whoami: Start, running: Watched, docker_client: docker.DockerClient
) -> None:
    network: Any = docker_client.networks.create("rp-front")
    try:
        container = whoami(name="old", labels=labels(**{"traefik.docker.network": "rp-front"}))
        (before,) = servers(running.until(lambda each: names(each) == ["old"]))
        network.connect(container)
        (after,) = servers(running.until(lambda each: servers(each) != (before,)))
        container.reload()
        assert after.host == container.attrs["NetworkSettings"]["Networks"]["rp-front"]["IPAddress"]
        container.rename("new")
        running.until(lambda each: names(each) == ["new"])
        network.disconnect(container)
        (last,) = servers(running.until(lambda each: servers(each)[0].host != after.host))
        assert last.host == before.host
    finally:
        container.remove(force=True)
        network.remove()


def test_a_container_in_a_shared_network_has_its_owners_address(whoami: Start, running: Watched) -> None:
    host = whoami(name="inn", labels={"traefik.enable": "false"})
    whoami(
        name="guest",
        labels=labels(**{"traefik.port": "8080"}),
        environment={"PORT": "8080"},
        network_mode="container:inn",
    )
    (server,) = servers(running.until(lambda each: names(each) == ["guest"]))
    assert server.host == host.attrs["NetworkSettings"]["IPAddress"]


def test_a_container_with_invalid_labels_does_not_affect_others(whoami: Start, running: Watched) -> None:
    whoami(name="good", labels=labels())
    whoami(name="bad", labels=labels("b", **{"traefik.frontend.rule": "Hostt:x"}))
    configuration = running.until(
        lambda each: any("bad" in str(diagnostic) for diagnostic in each.diagnostics)
    )
    assert names(configuration) == ["good"]


def test_without_watch_it_emits_one_configuration(whoami: Start, engine: Engine) -> None:
    whoami(name="first", labels=labels())
    options = DockerOptions(endpoint=engine.socket_url, watch=False)
    with watched(DockerProvider(options)) as running:
        assert names(running.next()) == ["first"]
        whoami(name="second", labels=labels())
        assert running.quiet()


def test_it_stops_even_if_no_event_comes(provider: DockerProvider) -> None:
    with watched(provider) as running:
        running.next()
        running.end()
        assert running.error is None


@pytest.fixture
def relay(short_path: Path, engine: Engine) -> Iterator[Relay]:
    with closing(Relay(short_path / "d.sock", engine.socket_url)) as relay:
        yield relay


def test_a_lost_event_stream_is_opened_again_and_all_containers_are_read_again(
    whoami: Start, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discovery.providers.docker_engine.following.STABLE_SECONDS", 0.0)
    container = whoami(name="stays", labels=labels())
    gone = whoami(name="goes", labels=labels())
    with watched(DockerProvider(DockerOptions(endpoint=relay.url))) as running:
        assert names(running.next()) == ["goes", "stays"]
        gone.kill()
        running.until(lambda each: names(each) == ["stays"])
        relay.cut_connections()
        whoami(name="came", labels=labels())
        running.until(lambda each: names(each) == ["came", "stays"])
        container.kill()
        running.until(lambda each: names(each) == ["came"])


def test_an_event_stream_that_ends_soon_is_an_error(relay: Relay) -> None:
    with watched(DockerProvider(DockerOptions(endpoint=relay.url))) as running:
        running.next()
        relay.cut_connections()
        until(lambda: isinstance(running.error, ProviderError), "the fault")


def test_a_missing_socket_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "none.sock"
    with pytest.raises(ProviderError, match="No such file") as caught:
        DockerProvider(DockerOptions(endpoint=f"unix://{path}")).watch(print, threading.Event())
    assert str(path) in caught.value.message
    assert "start the engine" in caught.value.hint


def test_a_refused_connection_is_explained() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ProviderError, match="refused"):
            DockerProvider(DockerOptions(endpoint=endpoint)).watch(print, threading.Event())
