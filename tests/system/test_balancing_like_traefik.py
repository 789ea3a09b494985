"""Traefik 3 and Rondpoint balance alike with the same route file and the same servers.

Each proxy has its own values of cookies; the names, attributes and effects of cookies are compared.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

ROUTES = """\
http:
  routers:
    plain: {{rule: "Host(`plain.test`)", service: plain}}
    default: {{rule: "Host(`default.test`)", service: default}}
    full: {{rule: "Host(`full.test`)", service: full}}
    weighted: {{rule: "Host(`weighted.test`)", service: weighted}}
    levels: {{rule: "Host(`levels.test`)", service: levels}}
    p2c: {{rule: "Host(`p2c.test`)", service: p2c}}
    hrw: {{rule: "Host(`hrw.test`)", service: hrw}}
    leasttime: {{rule: "Host(`leasttime.test`)", service: leasttime}}
    limited: {{rule: "Host(`limited.test`)", service: plain, middlewares: limit}}
    retried: {{rule: "Host(`retried.test`)", service: one, middlewares: again}}
    refused: {{rule: "Host(`refused.test`)", service: nobody, middlewares: again}}
  middlewares:
    limit: {{inFlightReq: {{amount: 2}}}}
    again: {{retry: {{attempts: 3, initialInterval: 1ms, status: ["500-599"]}}}}
  services:
    one: {{loadBalancer: {{servers: [{{url: "{a}"}}]}}}}
    two: {{loadBalancer: {{servers: [{{url: "{b}"}}]}}}}
    nobody: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{nobody}"}}]}}}}
    plain: {{loadBalancer: {{servers: [{{url: "{a}", weight: 3}}, {{url: "{b}"}}]}}}}
    default: {{loadBalancer: {{sticky: {{cookie: {{}}}}, servers: [{{url: "{a}"}}, {{url: "{b}"}}]}}}}
    full:
      loadBalancer:
        sticky:
          cookie: {{name: "a b", secure: true, httpOnly: true, sameSite: strict, maxAge: 60, path: /x, domain: full.test}}
        servers: [{{url: "{a}"}}, {{url: "{b}"}}]
    weighted: {{weighted: {{services: [{{name: one, weight: 3}}, {{name: two}}]}}}}
    levels: {{weighted: {{services: [{{name: default}}, {{name: full}}], sticky: {{cookie: {{name: level}}}}}}}}
    p2c: {{loadBalancer: {{strategy: p2c, servers: [{{url: "{a}"}}, {{url: "{b}"}}]}}}}
    hrw: {{loadBalancer: {{strategy: hrw, servers: [{{url: "{a}"}}, {{url: "{b}"}}]}}}}
    leasttime: {{loadBalancer: {{strategy: leasttime, servers: [{{url: "{a}"}}, {{url: "{b}"}}]}}}}
"""  # noqa: E501


class NamedServer:
    """A server that responds with its name; /held waits for `release`, and /STATUS has that status."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.release = threading.Event()

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/held":
                self.release.wait(30)
            status = "200 OK" if not request.target[1:].isdigit() else f"{request.target[1:]} Oh"
            connection.send(http_response(self._name, status))


@dataclass(frozen=True, slots=True)
class Scene:
    """Both proxies and their common servers `a` and `b`."""

    ours: Installation
    theirs: Installation
    a: Origin
    b: Origin
    servers: tuple[NamedServer, NamedServer]

    @property
    def proxies(self) -> tuple[Installation, Installation]:
        return self.ours, self.theirs


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    servers = NamedServer("a"), NamedServer("b")
    processes = Processes()
    with (
        TemporaryDirectory(prefix="rp-") as directory_name,
        Origin(servers[0]) as a,
        Origin(servers[1]) as b,
    ):
        directory = Path(directory_name)
        routes = directory / "routes.yml"
        routes.write_text(ROUTES.format(a=a.url, b=b.url, nobody=free_port()))
        provider = f"--providers.file.filename={routes}"
        ours = start(processes, provider, "--providers.docker=false", "--workers=2", directory=directory)
        theirs = start_traefik(processes, provider)
        try:
            for proxy in (ours, theirs):
                proxy.wait_for("plain.test")
                proxy.wait_for("leasttime.test")
            ours.wait_for_workers(2)
            yield Scene(ours, theirs, a, b, servers)
        finally:
            processes.stop()


def cookies(response: http.Response) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "set-cookie"]


def without_values(lines: list[str]) -> list[str]:
    return [re.sub(r"^([^=]+)=[^;]*", r"\1=", line) for line in lines]


@pytest.mark.parametrize("host", ["default.test", "full.test", "levels.test"])
def test_cookies_have_the_same_names_and_attributes(scene: Scene, host: str) -> None:
    mine, other = (without_values(cookies(proxy.request(host))) for proxy in scene.proxies)
    if host == "levels.test":
        # The proxies may choose different members first; only the levels are compared.
        mine, other = mine[:1], other[:1]
    assert mine == other
    assert mine


@pytest.mark.parametrize("host", ["default.test", "full.test", "levels.test"])
def test_cookies_bind_clients_to_servers_and_are_not_set_again(scene: Scene, host: str) -> None:
    for proxy in scene.proxies:
        first = proxy.request(host)
        sent = "; ".join(line.partition(";")[0] for line in cookies(first))
        again = [proxy.request(host, headers={"Cookie": sent}) for _ in range(6)]
        assert [response.text for response in again] == [first.text] * 6
        assert [cookies(response) for response in again] == [[]] * 6


def test_the_server_sees_the_cookie(scene: Scene) -> None:
    for proxy in scene.proxies:
        first = proxy.request("default.test")
        origin = scene.a if first.text == "a" else scene.b
        sent = cookies(first)[0].partition(";")[0]
        before = len(origin.requests)
        proxy.request("default.test", headers={"Cookie": sent})
        assert origin.requests[before].header("Cookie") == sent


@pytest.mark.parametrize(
    ("host", "expected"),
    [("plain.test", {"a": 30, "b": 10}), ("weighted.test", {"a": 30, "b": 10})],
)
def test_weights_are_respected(scene: Scene, host: str, expected: dict[str, int]) -> None:
    for proxy in scene.proxies:
        # On a busy machine tickets may be late; workers then use their own, which shifts the counts.
        until(
            lambda proxy=proxy: Counter(proxy.bodies(40, host)) == pytest.approx(expected, abs=2),  # type: ignore[misc]
            f"{expected} of {proxy.process.name}",
        )


@pytest.mark.parametrize("host", ["p2c.test", "leasttime.test"])
def test_both_servers_are_used(scene: Scene, host: str) -> None:
    for proxy in scene.proxies:
        assert proxy.request(host).status == 200
        assert set(proxy.bodies(60, host)) <= {"a", "b"}


def test_a_client_address_always_gets_the_same_server(scene: Scene) -> None:
    for proxy in scene.proxies:
        assert len(set(proxy.bodies(10, "hrw.test"))) == 1


def test_above_the_limit_both_respond_with_429(scene: Scene) -> None:
    for proxy in scene.proxies:
        before = len(scene.a.requests) + len(scene.b.requests)
        with ExitStack() as stack:
            for server in scene.servers:
                server.release.clear()
            for _ in range(2):
                connection = stack.enter_context(http.connect("127.0.0.1", proxy.web))
                connection.sendall(http.message("limited.test", "/held"))
            _wait_for_requests(scene, before + 2)
            assert proxy.request("limited.test").status == 429
            for server in scene.servers:
                server.release.set()
        proxy.wait_for("limited.test")


def _wait_for_requests(scene: Scene, count: int) -> None:
    until(lambda: len(scene.a.requests) + len(scene.b.requests) >= count, "the requests at the servers")


@pytest.mark.parametrize(
    ("method", "path", "status", "attempts"),
    [
        ("GET", "/200", 200, 1),
        ("GET", "/404", 404, 1),
        ("GET", "/503", 503, 3),
        ("PUT", "/503", 503, 3),
        ("POST", "/503", 503, 1),
    ],
)
def test_a_status_is_retried_equally_often(
    scene: Scene, method: str, path: str, status: int, attempts: int
) -> None:
    for proxy in scene.proxies:
        before = len(scene.a.requests)
        body = b"x" if method != "GET" else b""
        response = proxy.request("retried.test", path, method=method, body=body)
        assert (response.status, response.text) == (status, "a")
        assert len(scene.a.requests) - before == attempts


def test_a_server_that_refuses_connections_is_a_502(scene: Scene) -> None:
    assert [proxy.request("refused.test").status for proxy in scene.proxies] == [502, 502]
