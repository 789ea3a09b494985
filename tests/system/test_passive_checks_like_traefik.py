"""Traefik 3 and Rondpoint eject servers alike by passive health checks; each has servers of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab.installation import Installation, start
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

LONG = "300s"
OPTIONS = {
    "default": {"failureWindow": LONG},
    "thrice": {"failureWindow": LONG, "maxFailedAttempts": 3},
    "reset": {"failureWindow": LONG, "maxFailedAttempts": 2},
    "statuses": {"failureWindow": LONG},
    "silent": {"failureWindow": LONG},
    "back": {"failureWindow": "2s"},
    "everyone": {"failureWindow": LONG},
}
"""Services by name; a router for the host NAME.test leads to each."""

MANY = 24


class FaultyServer:
    """Responds with 200 and its name; /STATUS has that status, and /silent no response, if it is `faulty`."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.faulty = False

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            status = request.target[1:]
            if self.faulty and status == "silent":
                return
            faulty = self.faulty and status.isdigit()
            connection.send(http_response(self._name, f"{status} Oh" if faulty else "200 OK"))


@dataclass(frozen=True, slots=True)
class Side:
    """A proxy with its servers `good` and `bad`."""

    proxy: Installation
    good: FaultyServer
    bad: FaultyServer

    def statuses(self, name: str, path: str, count: int = MANY) -> list[int]:
        return [self.proxy.request(f"{name}.test", path).status for _ in range(count)]

    def bodies(self, name: str, count: int = MANY) -> set[str]:
        return {self.proxy.request(f"{name}.test").text for _ in range(count)}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Side, Side]]:
    """Rondpoint with one worker, and Traefik."""
    processes = Processes()
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        made: list[Side] = []
        for number in range(2):
            good, bad = FaultyServer("good"), FaultyServer("bad")
            urls = [stack.enter_context(Origin(server)).url for server in (good, bad)]
            directory = Path(directory_name) / str(number)
            directory.mkdir()
            path = directory / "routes.yml"
            path.write_text(routes(urls))
            provider = f"--providers.file.filename={path}"
            if number:
                proxy = start_traefik(processes, provider)
            else:
                proxy = start(
                    processes, provider, "--providers.docker=false", "--workers=1", directory=directory
                )
            proxy.wait_for("everyone.test")
            made.append(Side(proxy, good, bad))
        try:
            yield made[0], made[1]
        finally:
            processes.stop()


@pytest.fixture
def sides(shared: tuple[Side, Side]) -> tuple[Side, Side]:
    """With a faulty server `bad`."""
    for side in shared:
        side.good.faulty, side.bad.faulty = False, True
    return shared


def routes(urls: list[str]) -> str:
    services = {
        name: {"loadBalancer": {"servers": [{"url": url} for url in urls], "passiveHealthCheck": options}}
        for name, options in OPTIONS.items()
    }
    routers = {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in OPTIONS}
    return json.dumps({"http": {"routers": routers, "services": services}})


@pytest.mark.parametrize(("name", "failures"), [("default", 1), ("thrice", 3)])
def test_as_many_requests_fail_before_the_ejection(
    sides: tuple[Side, Side], name: str, failures: int
) -> None:
    for side in sides:
        assert side.statuses(name, "/500").count(500) == failures
        # Other paths of the server are not asked for either.
        assert side.bodies(name) == {"good"}
        assert side.bodies("reset") == {"good", "bad"}


def test_a_response_below_500_resets_the_count(sides: tuple[Side, Side]) -> None:
    for side in sides:
        for _ in range(4):
            # Round robin: each pair of requests reaches the faulty server once.
            assert side.statuses("reset", "/500", 2).count(500) == 1
            assert side.statuses("reset", "/404", 2).count(404) == 1
        assert side.statuses("reset", "/500").count(500) == 2


@pytest.mark.parametrize("status", [404, 429, 499])
def test_statuses_below_500_are_no_failures(sides: tuple[Side, Side], status: int) -> None:
    for side in sides:
        # A late ticket of ours shifts the round robin.
        assert side.statuses("statuses", f"/{status}").count(status) == pytest.approx(MANY // 2, abs=2)


def test_a_server_that_sends_no_response_fails(sides: tuple[Side, Side]) -> None:
    """Traefik responds with 502 once; Rondpoint asks the other server meanwhile."""
    ours, theirs = sides
    assert ours.statuses("silent", "/silent") == [200] * MANY
    assert theirs.statuses("silent", "/silent").count(502) == 1
    for side in sides:
        assert side.bodies("silent") == {"good"}


def test_the_server_is_back_after_the_window_and_one_more_failure_ejects_it_again(
    sides: tuple[Side, Side],
) -> None:
    for side in sides:
        for _ in range(2):
            assert side.statuses("back", "/500", 4).count(500) == 1
            until(lambda side=side: side.bodies("back", 4) == {"good", "bad"}, "both servers")  # type: ignore[misc]


def test_if_all_servers_are_ejected(sides: tuple[Side, Side]) -> None:
    """Traefik responds with 503; Rondpoint goes on to ask all servers, as with other ejections."""
    ours, theirs = sides
    for side in sides:
        side.good.faulty = True
        assert side.statuses("everyone", "/500", 2) == [500, 500]
    assert ours.statuses("everyone", "/500", 4) == [500] * 4
    assert theirs.statuses("everyone", "/500", 4) == [503] * 4
