"""Traefik 3 and Rondpoint read the same tasks from one stand-in for AWS (`tests/lab/aws.py`) alike.

DIFFERENCES lists the intended differences, which docs/ecs.md explains. They are tested, too: a listed
difference that no longer exists is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.aws import Aws
from tests.lab.http_server import Handler, HttpServer
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik

RULE = {"traefik.http.routers.{n}.rule": "Host(`{n}.test`)"}
PORT = "traefik.http.services.{n}.loadbalancer.server.port"

TASKS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "plain": ({}, {}),
    "ruled": (RULE, {}),
    "machine": (RULE, {"own_network": False}),
    "ported": ({**RULE, PORT: "80"}, {}),
    "unmapped": ({**RULE, PORT: "1"}, {}),
    "disabled": ({**RULE, "traefik.enable": "false"}, {}),
    "unwanted": ({**RULE, "skip": "yes"}, {}),
    "ill": (RULE, {"healthStatus": "UNHEALTHY"}),
    "pending": (RULE, {"lastStatus": "PENDING"}),
    "far": (RULE, {"own_network": False, "machine": "mi-1"}),
    "bad": ({"traefik.http.routers.bad.rule": "Hosst(`bad.test`)"}, {}),
    "old": ({"traefik.frontend.rule": "Host:old.test"}, {}),
}
REQUESTS = {
    "service-plain-web.local/": 200,
    "ruled.test/x?y=1": 200,
    "machine.test/": 200,
    "ported.test/": 200,
    "unmapped.test/": 502,
    "disabled.test/": 404,
    "unwanted.test/": 404,
    "ill.test/": 404,
    "pending.test/": 404,
    "far.test/": 200,
    "bad.test/": 404,
    "old.test/": 200,
    "late.test/": 200,
}
DIFFERENCES = {"old.test/": 404}
"""Request → the status of Traefik."""


class Echo(Handler):
    """Responds with the target of the request."""

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        self.reply(200, self.path.encode())


def named(labels: dict[str, str], name: str) -> dict[str, str]:
    return {key.replace("{n}", name): value.replace("{n}", name) for key, value in labels.items()}


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def proxies(running: Processes) -> Iterator[tuple[Installation, Installation]]:
    """Rondpoint and Traefik; the last task is started while they run."""
    with Aws() as aws, HttpServer(Echo) as origin, pytest.MonkeyPatch.context() as patch:
        port = int(origin.url.rpartition(":")[2])
        for name, (labels, more) in TASKS.items():
            aws.run_task(name, {80: port, 81: port + 1}, named(labels, name), **more)
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        flags = (
            "--providers.ecs.region=eu-west-1",
            "--providers.ecs.refreshSeconds=1",
            "--providers.ecs.ecsAnywhere=true",
            "--providers.ecs.defaultRule=Host(`{{ normalize .Name }}.local`)",
            "--providers.ecs.constraints=!Label(`skip`, `yes`)",
        )
        ours = start(running, "--workers=1", *flags)
        theirs = start_traefik(running, *flags, "--providers.providersThrottleDuration=10ms")
        for proxy in (ours, theirs):
            proxy.wait_for("ruled.test")
        aws.run_task("late", {80: port}, named(RULE, "late"))
        for proxy in (ours, theirs):
            proxy.wait_for("late.test")
        yield ours, theirs


@pytest.mark.parametrize("request_line", REQUESTS)
def test_the_same_tasks_have_the_same_outcome(
    request_line: str, proxies: tuple[Installation, Installation]
) -> None:
    host, _, path = request_line.partition("/")
    mine, other = (proxy.request(host, f"/{path}") for proxy in proxies)
    assert (mine.status, other.status) == (
        REQUESTS[request_line],
        DIFFERENCES.get(request_line, REQUESTS[request_line]),
    )
    if mine.status == other.status == 200:
        assert mine.text == other.text
