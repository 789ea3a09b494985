"""The same labels on real containers, the same requests to Traefik 3 and to Rondpoint: the same answers.

Compared are the status, which containers answered, and the target that reached them. Where Rondpoint departs
on purpose, DEPARTURES says how; these are looked at as well, lest a reason outlive its difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest

from tests.lab.engine import Engine
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

R, S, M = "traefik.http.routers.", "traefik.http.services.", "traefik.http.middlewares."
PORT = ".loadbalancer.server.port"
TRIES = 4

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """`METHOD host/target` with header lines; {n} stands for the case's name."""

    line: str
    headers: tuple[tuple[str, str], ...] = ()


def host(rule: str = "", **more: str) -> Labels:
    """One router for the host that bears the case's name."""
    text = "Host(`{n}.test`)" + (f" && {rule}" if rule else "")
    return {f"{R}{{n}}.rule": text, **{f"{R}{{n}}.{key}": value for key, value in more.items()}}


# name: (labels of each container, what is asked)
CASES: dict[str, tuple[list[Labels], list[str | Asked]]] = {
    "plain": ([host()], ["{n}.test/", "{n}.test/a?b=c", "{N}.TEST:80/", "{n}.test./", "a.{n}.test/"]),
    "default-rule": ([{"traefik.enable": "true"}], ["default-rule/", "default-rule.test/"]),
    "service-alone": ([{f"{S}other{PORT}": "80"}], ["service-alone/", "other/"]),
    "disabled": ([{"traefik.enable": "false", **host()}], ["{n}.test/"]),
    "named-service": ([{**host(service="x-{n}"), f"{S}x-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "only-service": ([{**host(), f"{S}y-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "two-services": (
        [{**host(), f"{S}a-{{n}}{PORT}": "80", f"{S}b-{{n}}{PORT}": "80"}],
        ["{n}.test/"],
    ),
    "unknown-service": ([host(service="nowhere")], ["{n}.test/"]),
    "qualified": ([{**host(service="z-{n}@docker"), f"{S}z-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "case-of-names": (
        [{"traefik.HTTP.Routers.{n}.Rule": "Host(`{n}.test`)", f"{S}{{n}}.LoadBalancer.Server.Port": "80"}],
        ["{n}.test/"],
    ),
    "wrong-port": ([{**host(), f"{S}{{n}}{PORT}": "81"}], ["{n}.test/"]),
    "bad-port": ([{**host(), f"{S}{{n}}{PORT}": "eighty"}], ["{n}.test/"]),
    "bad-rule": ([host("Hots(`x`)")], ["{n}.test/"]),
    "bad-value": ([{**host(), f"{R}{{n}}.priority": "high"}], ["{n}.test/"]),
    "entry-point": ([host(entrypoints="web")], ["{n}.test/"]),
    "other-entry-point": ([host(entrypoints="other")], ["{n}.test/"]),
    "tls": ([host(tls="true")], ["{n}.test/"]),
    "path": (
        [host("Path(`/a`)")],
        [f"{{n}}.test{path}" for path in ("/a", "/a/", "/A", "/%61", "/b/../a", "//a")],
    ),
    "path-space": ([host("Path(`/a b`)")], ["{n}.test/a%20b", "{n}.test/a+b"]),
    "path-slash": ([host("Path(`/a%2Fb`)")], ["{n}.test/a%2Fb", "{n}.test/a/b"]),
    "prefix": (
        [host("PathPrefix(`/api`)")],
        [f"{{n}}.test{path}" for path in ("/api", "/apix", "/api/v", "/ap")],
    ),
    "path-regexp": (
        [host(r"PathRegexp(`^/v[0-9]+/`)")],
        ["{n}.test/v1/x", "{n}.test/v/x", "{n}.test/%761/x"],
    ),
    "host-regexp": (
        [{f"{R}{{n}}.rule": r"HostRegexp(`^[a-z]+\.{n}\.test$`)"}],
        ["a.{n}.test/", "A.{n}.test/", "1.{n}.test/"],
    ),
    "wildcard": ([{f"{R}{{n}}.rule": "Host(`*.{n}.test`)"}], ["a.{n}.test/", "a.b.{n}.test/", "{n}.test/"]),
    "method": ([host("Method(`POST`)")], ["POST {n}.test/", "{n}.test/"]),
    "header": (
        [host("Header(`X-A`, `b`)")],
        [Asked("{n}.test/", (("x-a", "b"),)), Asked("{n}.test/", (("X-A", "bb"),)), "{n}.test/"],
    ),
    "header-regexp": (
        [host("HeaderRegexp(`X-A`, `^b`)")],
        [Asked("{n}.test/", (("X-A", "bb"),)), Asked("{n}.test/", (("X-A", "ab"),))],
    ),
    "query": (
        [host("Query(`a`, `b`)")],
        ["{n}.test/?a=b", "{n}.test/?a=c&a=b", "{n}.test/?a=%62", "{n}.test/?a"],
    ),
    "query-alone": ([host("Query(`a`)")], ["{n}.test/?a", "{n}.test/?a=", "{n}.test/?a=b", "{n}.test/"]),
    "query-regexp": ([host("QueryRegexp(`a`, `^b+$`)")], ["{n}.test/?a=bb", "{n}.test/?a=bc"]),
    "client-ip": ([host("ClientIP(`127.0.0.0/8`)")], ["{n}.test/"]),
    "other-client": ([host("ClientIP(`10.0.0.0/8`)")], ["{n}.test/"]),
    "not": ([host("!PathPrefix(`/no`)")], ["{n}.test/yes", "{n}.test/no"]),
    "either": (
        [host("(Path(`/a`) || Path(`/b`) && Method(`POST`))")],
        ["{n}.test/a", "{n}.test/b", "POST {n}.test/b"],
    ),
    "priority": (
        [host(), {f"{R}{{n}}-high.rule": "Host(`{n}.test`)", f"{R}{{n}}-high.priority": "1000"}],
        ["{n}.test/"],
    ),
    "length": (
        [host(), {f"{R}{{n}}-long.rule": "Host(`{n}.test`) && PathPrefix(`/long`)"}],
        ["{n}.test/", "{n}.test/long"],
    ),
    "scaled": ([{**host(service="{n}"), f"{S}{{n}}{PORT}": "80"}] * 3, ["{n}.test/"]),
    "conflict": (
        [{**host("Path(`/a`)"), f"{S}{{n}}{PORT}": "80"}, {**host("Path(`/b`)"), f"{S}{{n}}{PORT}": "80"}],
        ["{n}.test/a", "{n}.test/b"],
    ),
    "strip": (
        [{**host(middlewares="m-{n}"), f"{M}m-{{n}}.stripprefix.prefixes": "/a, /b"}],
        [f"{{n}}.test{path}" for path in ("/a/x", "/b", "/ax", "/c/a", "/a%2Fx", "/%61/x?q", "/a/./x")],
    ),
    "strip-regexp": (
        [{**host(middlewares="m-{n}"), f"{M}m-{{n}}.stripprefixregex.regex": "^/v[0-9]+"}],
        ["{n}.test/v12/x", "{n}.test/v/x", "{n}.test/v1"],
    ),
    "add": (
        [{**host(middlewares="m-{n}"), f"{M}m-{{n}}.addprefix.prefix": "/p"}],
        ["{n}.test/x%2Fy?z", "{n}.test/"],
    ),
    "replace": ([{**host(middlewares="m-{n}"), f"{M}m-{{n}}.replacepath.path": "/r"}], ["{n}.test/x?y=z"]),
    "replace-regexp": (
        [
            {
                **host(middlewares="m-{n}"),
                f"{M}m-{{n}}.replacepathregex.regex": "^/a/(.*)",
                f"{M}m-{{n}}.replacepathregex.replacement": "/b/$1",
            }
        ],
        ["{n}.test/a/x%2Fy?z", "{n}.test/c"],
    ),
    "chained": (
        [
            {
                **host(middlewares="c-{n}"),
                f"{M}c-{{n}}.chain.middlewares": "s-{n}, a-{n}",
                f"{M}s-{{n}}.stripprefix.prefixes": "/s",
                f"{M}a-{{n}}.addprefix.prefix": "/a",
            }
        ],
        ["{n}.test/s/x"],
    ),
    "in-order": (
        [
            {
                **host(middlewares="a-{n}@docker, s-{n}"),
                f"{M}s-{{n}}.stripprefix.prefixes": "/a/s",
                f"{M}a-{{n}}.addprefix.prefix": "/a",
            }
        ],
        ["{n}.test/s/x"],
    ),
    "no-middleware": ([host(middlewares="nowhere")], ["{n}.test/"]),
}

DEPARTURES = {
    ("bad-port", "{n}.test/"): "the default is taken, and the label reported; Traefik drops the container",
    ("bad-value", "{n}.test/"): "the default is taken, and the label reported; Traefik drops the container",
    ("path", "{n}.test/%61"): "the target reaches the server as it was sent; Traefik decodes it",
    ("path", "{n}.test/b/../a"): "the target reaches the server as it was sent; Traefik resolves it",
    ("path", "{n}.test//a"): "the target reaches the server as it was sent; Traefik resolves it",
    ("path-regexp", "{n}.test/%761/x"): "the target reaches the server as it was sent; Traefik decodes it",
    ("strip", "{n}.test/a%2Fx"): "what remains reaches the server as it was sent; Traefik decodes it",
}


def expanded(text: str, name: str) -> str:
    return text.replace("{n}", name).replace("{N}", name.upper())


@pytest.fixture(scope="module")
def containers(docker_client: docker.DockerClient, whoami_image: str) -> Iterator[None]:
    """Those of all cases, and one that is routed when all others are."""
    started = []
    try:
        for name, (each, _) in CASES.items():
            for number, labels in enumerate(each):
                own = f"{name}-{number}" if number else name
                given = {expanded(key, name): expanded(value, name) for key, value in labels.items()}
                started.append(
                    docker_client.containers.run(
                        whoami_image, detach=True, name=own, hostname=own, labels=given
                    )
                )
        yield
    finally:
        for container in started:
            container.remove(force=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def ours(containers: None, running: Processes, engine: Engine) -> Installation:
    return start(running, "--workers=1", engine=engine)


@pytest.fixture(scope="module")
def theirs(containers: None, running: Processes, engine: Engine) -> Installation:
    return start_traefik(running, f"--providers.docker.endpoint={engine.socket_url}", engine=engine)


@pytest.fixture(scope="module")
def ready(ours: Installation, theirs: Installation) -> None:
    """Both have routed every container: the last of the plain cases answers."""
    for proxy in (ours, theirs):
        until(lambda proxy=proxy: proxy.request("chained.test", "/s/x").status == 200, "the last container")


def outcome(
    proxy: Installation, asked: Asked, name: str
) -> tuple[int, frozenset[str], frozenset[str | None]]:
    """The status, and the containers and targets that so many requests in a row came to."""
    method, _, rest = expanded(asked.line, name).rpartition(" ")
    where, slash, target = rest.partition("/")
    answers = [
        proxy.request(where, slash + target, method=method or "GET", headers=asked.headers)
        for _ in range(TRIES)
    ]
    (status,) = {answer.status for answer in answers}
    if status != 200:
        return status, frozenset(), frozenset()
    return (
        status,
        frozenset(answer.text for answer in answers),
        frozenset(answer.header("X-Target") for answer in answers),
    )


@pytest.mark.parametrize("name", CASES)
def test_the_same_labels_and_requests_have_the_same_outcome(
    name: str, ready: None, ours: Installation, theirs: Installation
) -> None:
    _, asked = CASES[name]
    for each in asked:
        question = Asked(each) if isinstance(each, str) else each
        mine, other = outcome(ours, question, name), outcome(theirs, question, name)
        assert (mine != other) == ((name, question.line) in DEPARTURES), (question, mine, other)
