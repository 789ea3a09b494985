"""Traefik 3 and Rondpoint serve the same TCPRoutes and TLSRoutes alike, and write the same conditions.

Each has an API server of its own, which is an imitation, because both write statuses. Listed differences are
tested, too: one that no longer exists is an error. UDPRoutes are served by Rondpoint alone.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest

from tests.discovery.certificates.pairs import MadePair, make_pair
from tests.lab.installation import start
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.gateway_api import (
    gateway,
    gateway_class,
    install,
    install_experimental,
    layer4_route,
)
from tests.lab.kubernetes.manifests import Manifest, endpoint, endpoint_slice, secret, service
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.tcp_server import TcpServer, announce
from tests.lab.traefik import start_traefik
from tests.lab.udp import UdpClient, UdpEcho
from tests.lab.waiting import until
from tests.proxy.rotation import undisturbed

CONNECTIONS = 8
LISTENERS = ("http", "raw", "opaque", "shared", "tls", "udp")
ONE, TWO, SECURE, DNS = ({"name": name, "port": 80} for name in ("one", "two", "secure", "dns"))
NONE = {"name": "none", "port": 80}
ROUTES = (
    layer4_route("TCPRoute", "raw", "raw", ONE),
    layer4_route("TCPRoute", "opaque", "opaque", SECURE),
    layer4_route("TCPRoute", "shared", "shared", {**ONE, "weight": 2}, TWO, NONE),
    layer4_route("TCPRoute", "no-grant", "closed", {**ONE, "namespace": "elsewhere"}),
    layer4_route("TCPRoute", "lost", "lost", ONE),
    layer4_route("TCPRoute", "not-allowed", "passes", ONE),
    layer4_route("TLSRoute", "ends", "ends", TWO),
    layer4_route("TLSRoute", "passes", "passes", SECURE, hostnames=["a.test", "*.wide.test"]),
    layer4_route("TLSRoute", "other-name", "ends", ONE, hostnames=["elsewhere.test"]),
    layer4_route("TLSRoute", "no-port", "passes", {"name": "one"}, hostnames=["no-port.test"]),
)
UDP_ROUTE = layer4_route("UDPRoute", "dns", "udp", DNS)

CASES: Mapping[str, tuple[str, str | None, dict[str, int]]] = {
    "all of a port": ("raw", None, {"one": 8}),
    "all of a port, over TLS": ("opaque", "a.test", {"sec": 8}),
    "shares, one of which is closed": ("shared", None, {"one": 4, "two": 2, "": 2}),
    "a server that ends TLS": ("tls", "a.test", {"sec": 8}),
    "a wildcard": ("tls", "x.wide.test", {"sec": 8}),
    "a wildcard for two labels": ("tls", "x.y.wide.test", {"sec": 8}),
    "the name of a wildcard": ("tls", "wide.test", {"": 8}),
    "a proxy that ends TLS": ("tls", "ends.test", {"two": 8}),
    "a name that no route takes": ("tls", "unknown.test", {"": 8}),
    "a backend without a port": ("tls", "no-port.test", {"": 8}),
    "no name": ("tls", "", {"": 8}),
}
DIFFERENCES = {"all of a port, over TLS": "Traefik's router for unknown names is on all entry points"}


class Running:
    """A proxy: its ports by the names in LISTENERS, its API server, and the port of our admin entry point."""

    workers = 1

    def __init__(self, api: ApiServer, ports: Mapping[str, int], admin: int) -> None:
        self.api = api
        self.ports = ports
        self.admin = admin

    def is_ready(self, listener: str, server_name: str | None, expected: str) -> bool:
        """Return whether this server is reached; without routes, the proxy waits for a request of HTTP."""
        try:
            return self.reached(listener, server_name, seconds=1) == expected
        except TimeoutError:
            return False

    def reached(self, listener: str, server_name: str | None, seconds: float = 60) -> str:
        """Connect, and return the first bytes of a server; empty if the connection is closed.

        Raises TimeoutError if neither happens.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with create_connection(("127.0.0.1", self.ports[listener]), timeout=seconds) as client:
                if server_name is None:
                    # Where Traefik has a router over TLS, it waits for the client.
                    client.sendall(b"?")
                    return client.recv(3).decode()
                with context.wrap_socket(client, server_hostname=server_name or None) as over_tls:
                    return over_tls.recv(3).decode()
        except TimeoutError:
            raise
        except OSError:
            return ""

    def outcome(self, case: str) -> dict[str, int]:
        listener, server_name, _ = CASES[case]
        return dict(Counter(self.reached(listener, server_name) for _ in range(CONNECTIONS)))

    def conditions(self, route: Manifest) -> set[tuple[str, str, str]]:
        """Return type, status and reason of the conditions of a route."""
        parents = (self.api.get(route).get("status") or {}).get("parents") or []
        return {
            (each["type"], each["status"], each["reason"]) for one in parents for each in one["conditions"]
        }

    def listeners(self) -> dict[str, tuple[int, list[str]]]:
        """Return the number of routes and the supported kinds of each listener."""
        written = (self.api.get(gateway()).get("status") or {}).get("listeners") or []
        return {
            each["name"]: (each["attachedRoutes"], [kind["kind"] for kind in each["supportedKinds"]])
            for each in written
        }


class Origins:
    """The servers behind the routes: `ports` by the names of services."""

    def __init__(self, stack: ExitStack, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        servers = {
            "one": TcpServer(announce(b"one")),
            "two": TcpServer(announce(b"two")),
            "secure": TcpServer(announce(b"sec"), context),
        }
        self.ports = {name: stack.enter_context(server).port for name, server in servers.items()}
        self.ports["dns"] = stack.enter_context(UdpEcho("dns")).port


def listeners(ports: Mapping[str, int], *, udp: bool) -> Iterator[dict[str, Any]]:
    certificates = {"certificateRefs": [{"group": "", "kind": "Secret", "name": "ends"}]}
    yield {"name": "raw", "port": ports["raw"], "protocol": "TCP"}
    yield {"name": "opaque", "port": ports["opaque"], "protocol": "TCP"}
    yield {"name": "shared", "port": ports["shared"], "protocol": "TCP"}
    yield {"name": "lost", "port": 1, "protocol": "TCP"}
    yield {
        "name": "ends",
        "port": ports["tls"],
        "protocol": "TLS",
        "hostname": "ends.test",
        "tls": {"mode": "Terminate", **certificates},
    }
    yield {"name": "passes", "port": ports["tls"], "protocol": "TLS", "tls": {"mode": "Passthrough"}}
    if udp:
        yield {"name": "udp", "port": ports["udp"], "protocol": "UDP"}


def fill(api: ApiServer, origins: Origins, ports: Mapping[str, int], pair: MadePair, *, udp: bool) -> None:
    install(api)
    install_experimental(api)
    for name, port in origins.ports.items():
        made = service(name)
        made["spec"]["ports"][0]["protocol"] = "UDP" if name == "dns" else "TCP"
        api.apply(
            made, endpoint_slice(name, [endpoint("127.0.0.1", ready=True, serving=True)], ports=(("", port),))
        )
    made = gateway("gw", ports["http"], *listeners(ports, udp=udp))
    api.apply(gateway_class(), made, secret("ends", {"tls.crt": pair.certificate, "tls.key": pair.key}))
    api.apply(*ROUTES, *([UDP_ROUTE] if udp else []))


@pytest.fixture(scope="module")
def pair() -> MadePair:
    return make_pair("ends.test")


@pytest.fixture(scope="module")
def running(pair: MadePair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running]]:
    """Rondpoint, and Traefik."""
    file = tmp_path_factory.mktemp("secure") / "server.pem"
    file.write_text(pair.certificate + pair.key)
    with ExitStack() as stack:
        origins = Origins(stack, file)
        processes = Processes()
        stack.callback(processes.stop)
        found = []
        for ours in (True, False):
            ports = {name: free_port() for name in LISTENERS}
            points = [
                f"--entryPoints.{name}.address=127.0.0.1:{port}{'/udp' if name == 'udp' else ''}"
                for name, port in ports.items()
            ]
            api = stack.enter_context(ApiServer())
            flags = (
                *points,
                f"--providers.kubernetesGateway.endpoint={api.url}",
                "--providers.kubernetesGateway.experimentalChannel=true",
            )
            # A kind that is not installed is asked for again after a long time, so it has to be there before.
            fill(api, origins, ports, pair, udp=ours)
            admin = 0
            if ours:
                secret_flag = f"--store.secret={'0123456789abcdef' * 2}"
                admin = start(processes, "--workers=1", secret_flag, *flags).admin
            else:
                start_traefik(processes, *flags)
            one = Running(api, ports, admin)
            until(partial(one.is_ready, "raw", None, "one"), "the TCPRoute")
            until(partial(one.is_ready, "tls", "ends.test", "two"), "the TLSRoute")
            found.append(one)
        yield found[0], found[1]


@pytest.mark.parametrize("case", CASES)
def test_both_forward_alike(case: str, running: tuple[Running, Running]) -> None:
    mine, traefik = running
    ours, theirs = undisturbed(mine, lambda: mine.outcome(case)), traefik.outcome(case)
    assert ours == CASES[case][2]
    if case in DIFFERENCES:
        assert ours != theirs, f"the difference is gone: {DIFFERENCES[case]}"
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    "route", ROUTES, ids=[f"{each['kind']}-{each['metadata']['name']}" for each in ROUTES]
)
def test_both_write_the_same_conditions(route: Manifest, running: tuple[Running, Running]) -> None:
    ours, theirs = running
    until(lambda: ours.conditions(route) and theirs.conditions(route), "both statuses")
    assert ours.conditions(route) == theirs.conditions(route)


def test_both_count_routes_and_name_their_kinds_alike(running: tuple[Running, Running]) -> None:
    ours, theirs = (one.listeners() for one in running)
    assert ours.pop("udp") == (1, ["UDPRoute"])
    # Traefik names no kinds if no entry point has the port.
    assert (ours.pop("lost"), theirs.pop("lost")) == ((0, ["TCPRoute"]), (0, []))
    assert ours == theirs


def test_a_udp_route_is_served(running: tuple[Running, Running]) -> None:
    ours, _ = running

    def answered() -> bool:
        with UdpClient(ours.ports["udp"]) as client:
            return client.server(b"x") == "dns"

    until(answered, "a reply")
    until(lambda: ours.conditions(UDP_ROUTE), "its status")
    assert ours.conditions(UDP_ROUTE) == {
        ("Accepted", "True", "Accepted"),
        ("ResolvedRefs", "True", "ResolvedRefs"),
    }
