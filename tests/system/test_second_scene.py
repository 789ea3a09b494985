"""The article's second scene: Consul, filled by the registrar, and its `traefik.toml`."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.lab.compose import Compose
from tests.lab.consul import Consul
from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.processes import Processes
from tests.lab.second_scene import (
    COMPOSE,
    CONSUL,
    CONSUL_PORT,
    SETTINGS,
    TAGS,
    curl,
    instances,
    put_key,
)
from tests.lab.waiting import until

MakeProject = Callable[..., Compose]
Start = Callable[..., Container]
WORKERS = 2
REGISTRATOR = ("registrator", "-internal", f"consul://{CONSUL}:{CONSUL_PORT}")


class Scene:
    """Starts the scene in an engine's network: Rondpoint with the article's file, and the registrar."""

    def __init__(self, engine: Engine, processes: Processes, directory: Path) -> None:
        self.engine = engine
        self._processes = processes
        self._directory = directory
        self._environment = {"DOCKER_HOST": engine.socket_url}

    def start_registrator(self) -> None:
        self._processes(
            "rondpoint", *REGISTRATOR, enter=self.engine.enter, environment=self._environment
        ).wait_for_line("registering containers of .* in ")

    def start_rondpoint(self, *flags: str, settings: str = SETTINGS) -> Installation:
        """Start Rondpoint in a directory with this settings file, without settings of addresses."""
        (self._directory / "traefik.toml").write_text(settings)
        process = self._processes(
            "rondpoint",
            "up",
            f"--workers={WORKERS}",
            *flags,
            enter=self.engine.enter,
            directory=self._directory,
            environment=self._environment,
        )
        for port in (8000, 8080):
            process.wait_for_port(port, namespace=self.engine.namespace)
        return Installation(process, 8000, 8080, self.engine.namespace)

    def instances(self, service: str) -> list[dict[str, Any]]:
        return instances(service, enter=self.engine.enter)


@pytest.fixture
def consul(engine: Engine, tmp_path: Path) -> Iterator[Consul]:
    with Consul(tmp_path, namespace=engine.namespace, address=CONSUL, http=CONSUL_PORT) as running:
        yield running


@pytest.fixture
def scene(consul: Consul, engine: Engine, processes: Processes, tmp_path: Path) -> Scene:
    return Scene(engine, processes, tmp_path)


def names(project: Compose, service: str) -> set[str]:
    """Return the host names of a service's containers: they are the bodies of their responses."""
    return {line[:12] for line in project.run("ps", "-q", service).split()}


@pytest.mark.parametrize("registrar", ["command", "agent"])
def test_both_urls_are_served_and_consul_has_the_entries_of_the_article(
    registrar: str, scene: Scene, compose: MakeProject, docker_client: docker.DockerClient
) -> None:
    if registrar == "command":
        scene.start_registrator()
        running = scene.start_rondpoint()
    else:
        running = scene.start_rondpoint("--registrator.internal")
    project = compose(COMPOSE, name="scene")
    project.up()
    for service, host in (("hello", "hello.consul.local"), ("hello2", "hello2.osones.com")):
        running.wait_for_bodies(names(project, service), host)

    container = docker_client.containers.get("scene_hello2_1")
    (entry,) = scene.instances("helloworld")
    fields = {key: entry[f"Service{key}"] for key in ("ID", "Name", "Tags", "Address", "Port")}
    assert fields == {
        "ID": f"{socket.gethostname()}:scene_hello2_1:80",
        "Name": "helloworld",
        "Tags": TAGS,
        "Address": container.attrs["NetworkSettings"]["Networks"]["scene_default"]["IPAddress"],
        "Port": 80,
    }
    (entry,) = scene.instances("hello")
    assert entry["ServiceID"].endswith(":scene_hello_1:80")
    assert entry["ServiceTags"] == []
    running.wait_for_workers(WORKERS)
    # The web interface is on the port of the settings file.
    assert "hello@consulcatalog" in running.api("/api/rawdata")["services"]
    # A rule replaces the default name below the domain.
    assert running.request("helloworld.consul.local").status == 404


MAX_DELAY = 0.2
"""The required delay in seconds; on a busy machine most changes may take longer."""
MAX_ROUNDS = 3
"""Rounds of scaling; the first is enough if the machine is not busy."""

GRACEFUL = """\
version: "2"
services:
  hello:
    image: osones/helloworld
    labels:
      SERVICE_NAME: "hello"
    # It ends as web servers do: it finishes its requests.
    environment:
      LINGER: "1"
"""


class Load:
    """Sends requests without pause; records the start time and the result of each."""

    def __init__(self, running: Installation, host: str) -> None:
        self.results: list[tuple[float, str]] = []
        self.ended = threading.Event()
        self._running = running
        self._host = host

    def send_requests(self) -> None:
        while not self.ended.is_set():
            began = time.time()
            try:
                response = self._running.request(self._host)
            except OSError as error:
                self.results.append((began, repr(error)))
            else:
                self.results.append((began, response.text if response.status == 200 else str(response)))

    def first(self, body: str) -> float:
        """Return the start time (epoch) of the first request with this result."""
        return min(began for began, text in self.results if text == body)

    def last(self, body: str) -> float:
        return max(began for began, text in self.results if text == body)

    def recent_bodies(self, count: int = 40) -> set[str]:
        """Return the results of the last `count` requests."""
        return {text for _, text in self.results[-count:]}


@contextmanager
def load(running: Installation, host: str) -> Iterator[Load]:
    traffic = Load(running, host)
    with ThreadPoolExecutor(2) as clients:
        futures = [clients.submit(traffic.send_requests) for _ in range(2)]
        try:
            yield traffic
        finally:
            traffic.ended.set()
    for future in futures:
        future.result()


def event_times(client: docker.DockerClient, since: float, action: str) -> dict[str, float]:
    """Return the time (epoch) of each container's first event of this kind, by host name."""
    found: dict[str, float] = {}
    filters = {"type": "container", "event": action}
    events = client.api.events(since=int(since), until=int(time.time()) + 1, filters=filters, decode=True)
    for event in events:
        moment = event["timeNano"] / 1e9
        if moment >= since:
            found.setdefault(event["Actor"]["ID"][:12], moment)
    return found


def test_scaling_takes_effect_at_once_and_no_request_fails(
    scene: Scene, compose: MakeProject, docker_client: docker.DockerClient
) -> None:
    scene.start_registrator()
    running = scene.start_rondpoint()
    project = compose(GRACEFUL, name="scaled")
    project.up()
    running.wait_for_bodies(names(project, "hello"), "hello.consul.local")
    start_delays: list[float] = []
    stop_delays: list[float] = []
    seen = set(names(project, "hello"))
    with load(running, "hello.consul.local") as traffic:
        for number, count in enumerate((4, 1, 3, 2) * MAX_ROUNDS):
            if number >= 4 and min(start_delays) < MAX_DELAY and min(stop_delays) < MAX_DELAY:
                break
            began = time.time()
            project.up(scale={"hello": count})
            current = names(project, "hello")
            seen |= current
            until(lambda: traffic.recent_bodies() == current, f"responses from {current}")  # noqa: B023
            for name, moment in event_times(docker_client, began, "start").items():
                start_delays.append(traffic.first(name) - moment)
            for name, moment in event_times(docker_client, began, "kill").items():
                stop_delays.append(traffic.last(name) - moment)
    assert {text for _, text in traffic.results} == seen, "a request failed"
    assert len(start_delays) >= 5
    assert len(stop_delays) >= 4
    print(f"first request to a container after its start: {sorted(start_delays)}")
    print(f"last request to a container after its stop: {sorted(stop_delays)}")
    assert min(start_delays) < MAX_DELAY
    assert min(stop_delays) < MAX_DELAY
    assert max(start_delays + stop_delays) < 30


def test_a_dead_container_is_removed_at_once(
    scene: Scene, whoami: Start, docker_client: docker.DockerClient
) -> None:
    scene.start_registrator()
    running = scene.start_rondpoint()
    labels = {"SERVICE_NAME": "hello"}
    one, two = whoami(labels=labels), whoami(labels=labels)
    running.wait_for_bodies({each.id[:12] for each in (one, two)}, "hello.consul.local")
    one.kill()
    running.wait_for_bodies({two.id[:12]}, "hello.consul.local")
    assert [each["ServiceID"].split(":")[1] for each in scene.instances("hello")] == [two.name]


def test_a_container_is_routed_once_its_check_passes(scene: Scene, whoami: Start) -> None:
    scene.start_registrator()
    running = scene.start_rondpoint()
    labels = {
        "SERVICE_NAME": "checked",
        "SERVICE_CHECK_HTTP": "/health",
        "SERVICE_CHECK_INTERVAL": "100ms",
    }
    healthy = whoami(labels=labels)
    whoami(labels=labels, command=["/bin/sleep", "1000"])
    until(lambda: len(scene.instances("checked")) == 2, "two instances")
    running.wait_for("checked.consul.local")
    running.wait_for_workers(WORKERS)
    assert set(running.bodies(6, "checked.consul.local")) == {healthy.id[:12]}


def test_keys_written_with_curl_define_a_route(scene: Scene, whoami: Start) -> None:
    running = scene.start_rondpoint(settings=f'{SETTINGS}\n[consul]\nendpoint = "{CONSUL}:{CONSUL_PORT}"\n')
    container = whoami()
    address = container.attrs["NetworkSettings"]["IPAddress"]
    enter = scene.engine.enter
    assert put_key("web/osones", "good", enter=enter).strip() == "true"
    put_key("traefik/backends/web/servers/one/url", f"http://{address}:80", enter=enter)
    put_key("traefik/frontends/web/backend", "web", enter=enter)
    put_key("traefik/frontends/web/routes/main/rule", "Host:web.osones.com", enter=enter)
    assert running.wait_for("web.osones.com").text == container.id[:12]
    curl("/v1/kv/traefik/frontends/web?recurse", "-X", "DELETE", enter=enter)
    running.wait_for("web.osones.com", status=404)
