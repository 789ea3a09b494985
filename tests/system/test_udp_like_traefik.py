"""Traefik 3 and Rondpoint serve UDP alike, with the same route file and the same servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab.installation import start
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.udp import UdpClient, UdpEcho, bound_ports, clients
from tests.lab.waiting import until

POINTS = ("plain", "weighted", "nobody", "unrouted", "two-routers")


@dataclass(frozen=True, slots=True)
class Scene:
    """The ports of both proxies by entry point, and their common servers."""

    ours: dict[str, int]
    theirs: dict[str, int]
    servers: list[UdpEcho]

    def ports(self, point: str) -> tuple[int, int]:
        return self.ours[point], self.theirs[point]


ROUTES = """\
udp:
  routers:
    plain: {{entryPoints: [plain], service: plain}}
    weighted: {{entryPoints: [weighted], service: weighted}}
    nobody: {{entryPoints: [nobody], service: nobody}}
    first: {{entryPoints: [two-routers], service: a}}
    second: {{entryPoints: [two-routers], service: b}}
  services:
    a: {{loadBalancer: {{servers: [{{address: "127.0.0.1:{a}"}}]}}}}
    b: {{loadBalancer: {{servers: [{{address: "127.0.0.1:{b}"}}]}}}}
    nobody: {{loadBalancer: {{servers: []}}}}
    plain:
      loadBalancer:
        servers: [{{address: "127.0.0.1:{a}"}}, {{address: "127.0.0.1:{b}"}}, {{address: "127.0.0.1:{c}"}}]
    weighted: {{weighted: {{services: [{{name: a, weight: 3}}, {{name: b, weight: 1}}]}}}}
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        servers = [stack.enter_context(UdpEcho(name)) for name in "abc"]
        ours, theirs = ({point: free_port() for point in POINTS} for _ in range(2))

        def flags(ports: dict[str, int]) -> list[str]:
            return [
                flag
                for point, port in ports.items()
                for flag in (
                    f"--entryPoints.{point}.address=127.0.0.1:{port}/udp",
                    f"--entryPoints.{point}.udp.timeout=2s",
                )
            ]

        file = Path(stack.enter_context(TemporaryDirectory(prefix="rp-"))) / "routes.yml"
        file.write_text(ROUTES.format(**{each.name: each.port for each in servers}))
        processes = Processes()
        stack.callback(processes.stop)
        provider = f"--providers.file.filename={file}"
        start_traefik(processes, *flags(theirs), provider)
        start(processes, *flags(ours), provider)
        for ports in (ours, theirs):
            until(lambda port=ports["plain"]: replies(port), "a reply")  # type: ignore[misc]
        yield Scene(ours, theirs, servers)


def replies(port: int) -> bool:
    with UdpClient(port) as client:
        try:
            return bool(client.ask())
        except OSError:
            # The routes are not in force yet.
            return False


def test_sessions_take_turns(scene: Scene) -> None:
    for port in scene.ports("plain"):
        with ExitStack() as stack:
            found = [client.server() for client in clients(port, 12, stack)]
        # Traefik shuffles the servers, so only the rotation is the same.
        assert sorted(found[:3]) == ["a", "b", "c"]
        assert found == found[:3] * 4


def test_members_get_sessions_by_weight(scene: Scene) -> None:
    for port in scene.ports("weighted"):
        with ExitStack() as stack:
            found = Counter(client.server() for client in clients(port, 8, stack))
        assert found == {"a": 6, "b": 2}


def test_a_session_stays(scene: Scene) -> None:
    for port in scene.ports("plain"):
        with UdpClient(port) as client:
            assert len({tuple(client.ask().split()[:2]) for _ in range(20)}) == 1


def test_a_session_ends_after_its_timeout(scene: Scene) -> None:
    for port in scene.ports("plain"):
        with UdpClient(port) as client:
            source = client.source()
            assert source in bound_ports()
            until(lambda source=source: source not in bound_ports(), "the end of the session")  # type: ignore[misc]
            assert client.server()


@pytest.mark.parametrize("point", ["nobody", "unrouted"])
def test_datagrams_for_nobody_are_dropped(scene: Scene, point: str) -> None:
    for port, working in zip(scene.ports(point), scene.ports("plain"), strict=True):
        with UdpClient(port) as client, UdpClient(working) as other:
            client.send(b"for nobody")
            for _ in range(10):
                assert other.server()
    assert not any(b"for nobody" in server.received for server in scene.servers)


@pytest.mark.parametrize("size", [0, 1, 1472, 9000, 65_000])
def test_sizes(scene: Scene, size: int) -> None:
    for port in scene.ports("plain"):
        with UdpClient(port) as client:
            client.server()
            if size:
                assert client.server(b"x" * size)
            else:
                client.send(b"")


def test_of_two_routers_traefik_takes_the_other_one(scene: Scene) -> None:
    ours, theirs = scene.ports("two-routers")
    with UdpClient(ours) as our_client, UdpClient(theirs) as their_client:
        assert (our_client.server(), their_client.server()) == ("a", "b")
