"""Traefik 3 and Rondpoint read the same services of Nomad and the same tasks of ECS, and respond alike.

Stand-ins play Nomad and AWS (`tests/lab/nomad.py`, `tests/lab/aws.py`). DIFFERENCES lists the intended
differences, which docs/nomad.md and docs/ecs.md explain. They are tested, too: a listed difference that no
longer exists is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.aws import Aws
from tests.lab.http_server import Handler, HttpServer
from tests.lab.installation import Installation, start
from tests.lab.nomad import Nomad
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

RULE = "traefik.http.routers.{n}.rule=Host(`{n}.test`)"

SERVICES: dict[str, list[list[str]]] = {
    "plain": [[]],
    "ruled": [[RULE]],
    "twice": [[RULE], [RULE]],
    "different": [[RULE], ["traefik.http.routers.different.rule=Host(`other.test`)"]],
    "disabled": [["traefik.enable=false", RULE]],
    "unwanted": [["skip", RULE]],
    "spaced": [["traefik.http.routers.spaced.rule = Host(`spaced.test`) "]],
    "strip": [
        [
            "traefik.http.routers.strip.rule=PathPrefix(`/strip`)",
            "traefik.http.routers.strip.middlewares=cut",
            "traefik.http.middlewares.cut.stripPrefix.prefixes=/strip",
        ]
    ],
    "ported": [[RULE, "traefik.http.services.ported.loadbalancer.server.port=1"]],
    "named": [
        [
            RULE,
            "traefik.http.routers.named.service=own",
            "traefik.http.services.own.loadbalancer.passhostheader=true",
        ]
    ],
    "canary": [
        [RULE],
        ["traefik.nomad.canary=true", "traefik.http.routers.canary2.rule=Host(`canary2.test`)"],
    ],
    "Upper_Case": [[]],
    "bad": [["traefik.http.routers.bad.rule=Hosst(`bad.test`)"]],
    "lost": [[RULE, "traefik.http.routers.lost.middlewares=gone"]],
    "valueless": [["traefik.enable", RULE]],
    "old": [["traefik.frontend.rule=Host:old.test"]],
}

TASK_RULE = {"traefik.http.routers.{n}.rule": "Host(`{n}-task.test`)"}
PORT = "traefik.http.services.{n}.loadbalancer.server.port"

TASKS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "plain": ({}, {}),
    "ruled": (TASK_RULE, {}),
    "machine": (TASK_RULE, {"own_network": False}),
    "ported": ({**TASK_RULE, PORT: "80"}, {}),
    "unmapped": ({**TASK_RULE, PORT: "1"}, {}),
    "disabled": ({**TASK_RULE, "traefik.enable": "false"}, {}),
    "unwanted": ({**TASK_RULE, "skip": "yes"}, {}),
    "ill": (TASK_RULE, {"healthStatus": "UNHEALTHY"}),
    "pending": (TASK_RULE, {"lastStatus": "PENDING"}),
    "far": (TASK_RULE, {"own_network": False, "machine": "mi-1"}),
    "bad": ({"traefik.http.routers.bad.rule": "Hosst(`bad-task.test`)"}, {}),
    "old": ({"traefik.frontend.rule": "Host:old-task.test"}, {}),
}
REQUESTS = {
    "plain.local/": 200,
    "plain.local/x?y=1": 200,
    "ruled.test/": 200,
    "ruled.local/": 404,
    "twice.test/": 200,
    "different.test/": 404,
    "other.test/": 404,
    "disabled.test/": 404,
    "unwanted.test/": 404,
    "spaced.test/": 200,
    "any.test/strip/x": 200,
    "ported.test/": 502,
    "named.test/": 200,
    "canary.test/": 200,
    "canary2.test/": 200,
    "upper-case.local/": 200,
    "bad.test/": 404,
    "lost.test/": 404,
    "valueless.test/": 200,
    "old.test/": 200,
    "nobody.test/": 404,
    "late.test/": 200,
    "service-plain-web.local/": 200,
    "ruled-task.test/x?y=1": 200,
    "machine-task.test/": 200,
    "ported-task.test/": 200,
    "unmapped-task.test/": 502,
    "disabled-task.test/": 404,
    "unwanted-task.test/": 404,
    "ill-task.test/": 404,
    "pending-task.test/": 404,
    "far-task.test/": 200,
    "bad-task.test/": 404,
    "old-task.test/": 200,
    "late-task.test/": 200,
}
DIFFERENCES = {"old.test/": 404, "old-task.test/": 404}
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
    """Rondpoint and Traefik; the last service and the last task start while they run."""
    with Nomad() as nomad, Aws() as aws, HttpServer(Echo) as origin, pytest.MonkeyPatch.context() as patch:
        port = int(origin.url.rpartition(":")[2])
        for name, instances in SERVICES.items():
            for tags in instances:
                nomad.register(name, *(tag.replace("{n}", name) for tag in tags), port=port)
        for name, (labels, more) in TASKS.items():
            aws.run_task(name, {80: port, 81: port + 1}, named(labels, name), **more)
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        flags = (
            f"--providers.nomad.endpoint.address={nomad.url}",
            "--providers.nomad.defaultRule=Host(`{{ normalize .Name }}.local`)",
            "--providers.nomad.constraints=!Tag(`skip`)",
            "--providers.nomad.watch=true",
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
        until(lambda: nomad.streams >= 2, "both event streams")
        nomad.register("late", RULE.replace("{n}", "late"), port=port)
        aws.run_task("late", {80: port}, named(TASK_RULE, "late"))
        for proxy in (ours, theirs):
            proxy.wait_for("late.test")
            proxy.wait_for("late-task.test")
        yield ours, theirs


@pytest.mark.parametrize("request_line", REQUESTS)
def test_the_same_services_and_tasks_have_the_same_outcome(
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
