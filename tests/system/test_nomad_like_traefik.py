"""Traefik 3 and Rondpoint read the same services from one stand-in for Nomad, and respond alike.

The stand-in is `tests/lab/nomad.py`. DIFFERENCES lists the intended differences, which docs/nomad.md
explains. They are tested, too: a listed difference that no longer exists is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
}
DIFFERENCES = {"old.test/": 404}
"""Request → the status of Traefik."""


class Echo(Handler):
    """Responds with the target of the request."""

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        self.reply(200, self.path.encode())


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def proxies(running: Processes) -> Iterator[tuple[Installation, Installation]]:
    """Rondpoint and Traefik; the last service is registered while they run."""
    with Nomad() as nomad, HttpServer(Echo) as origin:
        port = int(origin.url.rpartition(":")[2])
        for name, instances in SERVICES.items():
            for tags in instances:
                nomad.register(name, *(tag.replace("{n}", name) for tag in tags), port=port)
        flags = (
            f"--providers.nomad.endpoint.address={nomad.url}",
            "--providers.nomad.defaultRule=Host(`{{ normalize .Name }}.local`)",
            "--providers.nomad.constraints=!Tag(`skip`)",
            "--providers.nomad.watch=true",
        )
        ours = start(running, "--workers=1", *flags)
        theirs = start_traefik(running, *flags, "--providers.providersThrottleDuration=10ms")
        for proxy in (ours, theirs):
            proxy.wait_for("ruled.test")
        until(lambda: nomad.streams >= 2, "both event streams")
        nomad.register("late", RULE.replace("{n}", "late"), port=port)
        for proxy in (ours, theirs):
            proxy.wait_for("late.test")
        yield ours, theirs


@pytest.mark.parametrize("request_line", REQUESTS)
def test_the_same_services_have_the_same_outcome(
    request_line: str, proxies: tuple[Installation, Installation]
) -> None:
    host, _, path = request_line.partition("/")
    mine, other = (proxy.request(host, f"/{path}") for proxy in proxies)
    assert mine.status == REQUESTS[request_line]
    assert other.status == DIFFERENCES.get(request_line, mine.status)
    assert (mine.status != other.status) == (request_line in DIFFERENCES)
    if mine.status == other.status == 200:
        assert mine.text == other.text
