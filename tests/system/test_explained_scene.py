"""A compose project with segments, two networks, an unhealthy container and broken labels.

Each request gets the response that `explain` predicts, or the reason why it is not routed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from tests.lab.compose import Compose
from tests.lab.engine import Engine
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes, installed
from tests.lab.waiting import until

COMPOSE = """\
version: "2.1"
networks:
  front: {}
  back: {}
services:
  shop:
    image: osones/helloworld
    networks: [front, back]
    labels:
      traefik.docker.network: scene_back
      traefik.port: 80
      traefik.sale.frontend.rule: Host:shop.test
      traefik.office.frontend.rule: Host:office.shop.test;PathPrefixStrip:/office
      traefik.office.frontend.priority: 7
  blog:
    image: osones/helloworld
    networks: [front]
    labels:
      traefik.open.port: 80
      traefik.open.frontend.rule: Host:blog.test
      traefik.closed.port: 80
      traefik.closed.frontend.rule: Host:blog.test;PathPrefix:/private
      traefik.closed.frontend.whiteList.sourceRange: the office
  api:
    image: osones/helloworld
    networks: [back]
    labels:
      traefik.v1.port: 80
      traefik.v1.frontend.rule: Host:api.test;PathPrefix:/v1
      traefik.v1.weight: 2
      traefik.v2.port: 80
      traefik.v2.frontend.rule: Host:api.test;PathPrefix:/v2
  sick:
    image: osones/helloworld
    networks: [back]
    healthcheck: {test: ["CMD", "/bin/test", "-e", "/tmp/well"], interval: 0.2s, retries: 1}
    labels:
      traefik.frontend.rule: Host:pay.shop.test
  broken:
    image: osones/helloworld
    networks: [back]
    labels:
      traefik.frontend.rule: Hots:broken.test
  elsewhere:
    image: osones/helloworld
    networks: [back]
    labels:
      traefik.frontend.rule: Host:elsewhere.test
      traefik.docker.network: nowhere
  disabled:
    image: osones/helloworld
    networks: [back]
    labels:
      traefik.enable: "false"
      traefik.frontend.rule: Host:hidden.test
  alone:
    image: osones/helloworld
    network_mode: none
    labels:
      traefik.frontend.rule: Host:alone.test
"""


class Scene:
    """The compose project and an installation that routes its containers."""

    def __init__(self, running: Installation, engine: Engine, client: docker.DockerClient) -> None:
        self.running = running
        self._engine = engine
        self._client = client

    def explain_as_json(self, url: str) -> dict[str, Any]:
        """Run `rondpoint explain` beside the proxy; return its JSON."""
        found: dict[str, Any] = json.loads(self.explain(url, "--json").stdout)
        return found

    def explain(self, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run `rondpoint explain` beside the proxy."""
        api = f"--api=http://127.0.0.1:{self.running.admin}"
        command = [installed("rondpoint"), "explain", url, "--entryPoint=web", api, *flags]
        return subprocess.run(
            [*self._enter, *command], capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def _enter(self) -> tuple[str, ...]:
        return tuple(self._engine.enter)

    def containers(self, service: str) -> dict[str, Any]:
        """Return the attributes of a service's containers by name."""
        found = self._client.containers.list(
            all=True, filters={"label": [f"com.docker.compose.service={service}"]}
        )
        return {container.name: container.attrs for container in found}

    def urls(self, service: str, network: str) -> list[str]:
        """Return the URLs of a service's containers, sorted by name."""
        found = self.containers(service)
        addresses = [
            found[name]["NetworkSettings"]["Networks"][network]["IPAddress"] for name in sorted(found)
        ]
        return [f"http://{address}:80" for address in addresses]


@pytest.fixture(scope="module")
def scene(
    engine: Engine,
    docker_client: docker.DockerClient,
    whoami_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    directory = tmp_path_factory.mktemp("scene")
    (directory / "docker-compose.yml").write_text(COMPOSE)
    project = Compose(directory, engine.socket_url, project="scene")
    started = Processes()
    try:
        project.up(scale={"api": 2})
        running = start(started, "--web", "--docker", "--workers=1", engine=engine)
        scene = Scene(running, engine, docker_client)
        running.wait_for("shop.test")
        running.wait_for("elsewhere.test")
        until(
            lambda: all(
                each["State"]["Health"]["Status"] == "unhealthy" for each in scene.containers("sick").values()
            ),
            "an unhealthy container",
        )
        for url in SERVED:
            host, _, path = url.removeprefix("http://").partition("/")
            running.wait_for(host, f"/{path}")
        # The worker gets the engine's health status a moment later.
        until(
            lambda: all(UNSERVED[url][1] in scene.explain(url).stdout for url in UNHEALTHY),
            "the unhealthy container explained",
        )
        yield scene
    finally:
        started.stop()
        project.down()


# URL: its router, the middlewares that change the request, the service and its network.
SERVED = {
    "http://shop.test/": ("sale-shop-scene-sale@docker", [], "shop", "scene_back"),
    "http://office.shop.test/office/x": (
        "office-shop-scene-office@docker",
        ["office-shop-scene-office-stripPrefix@docker"],
        "shop",
        "scene_back",
    ),
    "http://blog.test/": ("open-blog-scene-open@docker", [], "blog", "scene_front"),
    "http://api.test/v1/x": ("v1-api-scene-v1@docker", [], "api", "scene_back"),
    "http://api.test/v2": ("v2-api-scene-v2@docker", [], "api", "scene_back"),
    "http://elsewhere.test/": ("frontend-Host-elsewhere.test@docker", [], "elsewhere", "scene_back"),
}


@pytest.mark.parametrize("url", SERVED)
def test_a_routed_request_is_explained_as_it_is_served(scene: Scene, url: str) -> None:
    router, middlewares, service, network = SERVED[url]
    explanation = scene.explain_as_json(url)
    assert (explanation["router"], explanation["middlewares"], explanation["status"]) == (
        router,
        middlewares,
        0,
    )
    assert [server["url"] for server in explanation["servers"]] == scene.urls(service, network)
    assert {server["state"] for server in explanation["servers"]} == {"up"}
    weight = 2 if "/v1" in url else 1
    assert {server["weight"] for server in explanation["servers"]} == {weight}
    assert explanation["candidates"][-1]["matches"]

    response = scene.running.request(explanation["host"], explanation["path"])
    assert response.status == 200
    hosts = {each["Config"]["Hostname"] for each in scene.containers(service).values()}
    assert response.text in hosts


def test_the_server_gets_the_changed_path(scene: Scene) -> None:
    assert scene.running.request("office.shop.test", "/office/x").header("x-target") == "/x"


# URL: the status, and a part of the command's output.
NEAR = "see also    container scene_"
UNSERVED = {
    "http://blog.test/private": (
        503,
        "503: middleware closed-blog-scene-closed-ipAllowList@docker has options that could not be read",
    ),
    "http://api.test/v3": (404, "serves this host, but not this request"),
    "http://office.shop.test/": (404, "no match: PathPrefix(`/office`)"),
    "http://pay.shop.test/": (404, f"{NEAR}sick_1: not routed: its health is unhealthy"),
    "http://sick/": (404, f"{NEAR}sick_1: not routed: its health is unhealthy"),
    "http://broken.test/": (404, f"{NEAR}broken_1: label traefik.frontend.rule="),
    "http://hidden.test/": (404, f"{NEAR}disabled_1: not routed: label traefik.enable disables it"),
    "http://alone.test/": (404, f"{NEAR}alone_1: not routed: it has no address"),
    "http://shp.test/": (404, "serves shop.test"),
}
UNHEALTHY = [url for url, (_, reason) in UNSERVED.items() if "unhealthy" in reason]


@pytest.mark.parametrize("url", UNSERVED)
def test_an_unrouted_request_is_explained_with_its_reason(scene: Scene, url: str) -> None:
    status, reason = UNSERVED[url]
    output = scene.explain(url)
    assert output.returncode == 1, output.stderr
    assert reason in output.stdout
    host, _, path = url.removeprefix("http://").partition("/")
    assert scene.running.request(host, f"/{path}").status == status


def test_a_missing_network_is_reported(scene: Scene) -> None:
    messages = [item["message"] for item in scene.running.api("/api/rawdata")["diagnostics"]]
    assert any("nowhere" in message for message in messages), messages


def test_one_more_container_of_a_service_changes_nothing_for_the_others(
    scene: Scene, compose: Callable[..., Compose]
) -> None:
    before = scene.explain_as_json("http://shop.test/")
    project = compose(
        'version: "2"\nservices:\n  more:\n    image: osones/helloworld\n    labels:\n'
        "      - traefik.weight=heavy\n      - traefik.frontend.rule=Host:more.test\n"
    )
    project.up()
    scene.running.wait_for("more.test")
    assert scene.explain_as_json("http://shop.test/") == before
    assert scene.explain_as_json("http://more.test/")["servers"][0]["weight"] == 1
