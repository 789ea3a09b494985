"""TCP connections and UDP sessions while the agent, the store and workers are killed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.site import Site, new_site
from tests.faults.workers import client_ports, kill, workers
from tests.lab.installation import Installation
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.store import Store
from tests.lab.tcp_server import TcpServer, announce
from tests.lab.udp import UdpClient, UdpEcho, bound_ports, clients
from tests.lab.waiting import until
from tests.proxy.tcp.routing import connect, exactly

WORKERS = 4
CONNECTIONS = 12
ENTRY_POINTS = ("web", "traefik", "tcp", "udp")

ROUTES = """
tcp:
  routers: {{r: {{rule: HostSNI(`*`), entryPoints: [tcp], service: s, middlewares: [office]}}}}
  services: {{s: {{loadBalancer: {{servers: [{{address: "127.0.0.1:{tcp}"}}]}}}}}}
  middlewares: {{office: {{ipAllowList: {{sourceRange: [{network}]}}}}}}
udp:
  routers: {{r: {{entryPoints: [udp], service: s}}}}
  services: {{s: {{loadBalancer: {{servers: [{{address: "127.0.0.1:{udp}"}}]}}}}}}
"""


class Layer4:
    """A site whose file routes a TCP and a UDP entry point to one server each, and clients of both."""

    def __init__(self, site: Site, file: Path, stack: ExitStack) -> None:
        self.site = site
        self.tcp_port, self.udp_port = free_port(), free_port()
        self._file = file
        self._stack = stack
        self._server = stack.enter_context(TcpServer(announce(b"a")))
        self._echo = stack.enter_context(UdpEcho("u"))
        self._flags = (
            f"--entryPoints.tcp.address=127.0.0.1:{self.tcp_port}",
            f"--entryPoints.udp.address=127.0.0.1:{self.udp_port}/udp",
            "--entryPoints.udp.udp.timeout=1h",
            # Open sessions would hold the end of the proxy up.
            *(f"--entryPoints.{name}.transport.lifeCycle.graceTimeOut=1s" for name in ENTRY_POINTS),
        )
        self.allow("127.0.0.0/8")
        self.agent = self.start_agent()
        self.instance: Installation = site.instance(*self._flags, workers=WORKERS)
        until(self.is_admitted, "the first connection")
        self.connections = [self._admitted() for _ in range(CONNECTIONS)]
        self.sessions: list[UdpClient] = clients(self.udp_port, CONNECTIONS, stack)
        self.sources = [session.source() for session in self.sessions]

    def allow(self, network: str) -> None:
        """Have the router admit the clients of this network alone."""
        text = ROUTES.format(tcp=self._server.port, udp=self._echo.port, network=network)
        other = self._file.with_suffix(".new")
        other.write_text(text)
        other.rename(self._file)

    def start_agent(self) -> Process:
        return self.site.agent(f"--providers.file.filename={self._file}", *self._flags)

    def is_admitted(self) -> bool:
        """Return whether a new connection reaches the server."""
        try:
            with connect(self.tcp_port) as client:
                return exactly(client, 1) == b"a"
        except OSError:
            return False

    def has_new_session(self) -> bool:
        """Return whether a new UDP client gets a reply."""
        with UdpClient(self.udp_port) as client:
            return client.server() == "u"

    def alive(self) -> list[bool]:
        """Return which of the connections still get an answer."""
        return [_answers(connection) for connection in self.connections]

    def assert_unharmed(self) -> None:
        """Open connections and sessions go on, and new ones begin."""
        assert all(self.alive())
        assert [session.source() for session in self.sessions] == self.sources
        assert self.is_admitted()
        assert self.has_new_session()

    def _admitted(self) -> socket.socket:
        client = self._stack.enter_context(connect(self.tcp_port))
        assert exactly(client, 1) == b"a"
        return client


def _answers(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"?")
        return exactly(connection, 1) == b"?"
    except OSError:
        return False


@pytest.fixture
def layer4(store: Store) -> Iterator[Layer4]:
    with TemporaryDirectory(prefix="rp-") as directory, new_site(store.url) as site, ExitStack() as stack:
        yield Layer4(site, Path(directory) / "layer4.yml", stack)


def test_connections_and_sessions_survive_agent_and_store(layer4: Layer4, store: Store) -> None:
    layer4.agent.kill()
    layer4.assert_unharmed()
    store.kill()
    layer4.assert_unharmed()
    # Empty: no router, no middleware and no service is there until an agent is.
    store.start()
    layer4.assert_unharmed()
    layer4.allow("10.0.0.0/8")
    layer4.start_agent()
    until(lambda: not any(layer4.is_admitted() for _ in range(2 * WORKERS)), "the new allow list")
    assert all(layer4.alive())
    assert [session.source() for session in layer4.sessions] == layer4.sources


def test_a_killed_worker_takes_only_its_own_connections_with_it(layer4: Layer4) -> None:
    ports = [connection.getsockname()[1] for connection in layer4.connections]
    before = workers(layer4.instance)
    victim = next(pid for pid in before if ports[0] in client_ports(pid, layer4.tcp_port))
    lost = client_ports(victim, layer4.tcp_port)
    ended = bound_ports(victim)
    kill(layer4.instance, victim)
    alive = layer4.alive()
    assert alive == [port not in lost for port in ports]
    # Clients of its shard begin further sessions once another worker has it; all others keep theirs.
    sources = [session.source() for session in layer4.sessions]
    assert [new == old for new, old in zip(sources, layer4.sources, strict=True)] == [
        source not in ended for source in layer4.sources
    ]
    layer4.sources = sources
    layer4.connections = [each for each, lives in zip(layer4.connections, alive, strict=True) if lives]
    until(lambda: len(workers(layer4.instance)) == len(before), "another worker")
    layer4.assert_unharmed()
