"""TCP routers from labels and files, through agent, store and proxy, to the connections of clients."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from docker.models.containers import Container

from tests.lab import http
from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until

LABELS = {"traefik.tcp.routers.web.rule": "HostSNI(`*`)", "traefik.tcp.routers.web.entrypoints": "raw"}


def bodies(port: int, count: int, namespace: Path | None = None) -> list[str]:
    """Send requests over connections of their own, and return the bodies."""
    return [http.request(port, "any.test", namespace=namespace).text for _ in range(count)]


def response_of(port: int) -> bytes:
    """Send a request and return the response; empty if the connection is closed or reset without one."""
    try:
        return http.raw(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    except ConnectionResetError:
        return b""


def until_bodies(expected: set[str], port: int, namespace: Path | None = None) -> None:
    def reached() -> bool:
        try:
            return set(bodies(port, 2 * len(expected) + 2, namespace)) == expected
        except (OSError, HTTPException):
            return False

    until(reached, f"{sorted(expected)} from port {port}")


def test_containers_with_the_label_of_one_router_take_turns(
    installation: Callable[..., Installation], engine: Engine, whoami: Callable[..., Container]
) -> None:
    raw = free_port(namespace=engine.namespace)
    running = installation(
        "--workers=2",
        f"--entryPoints.raw.address=127.0.0.1:{raw}",
        "--entryPoints.web.asDefault=true",
        engine=engine,
    )
    for name in ("one", "two"):
        whoami(name=name, hostname=name, labels=LABELS)
    until_bodies({"one", "two"}, raw, engine.namespace)
    assert running.request("one").status == 404, "a container for TCP alone has no route for HTTP"
    last = whoami(name="three", hostname="three", labels=LABELS)
    until_bodies({"one", "two", "three"}, raw, engine.namespace)
    running.wait_for_workers(2)
    assert sorted(bodies(raw, 6, engine.namespace)) == ["one", "one", "three", "three", "two", "two"]
    last.stop(timeout=0)
    until_bodies({"one", "two"}, raw, engine.namespace)


ROUTES = """\
tcp:
  routers:
    raw: {rule: "HostSNI(`*`)", service: both, entryPoints: [raw]}
    closed: {rule: "HostSNI(`*`)", service: one, entryPoints: [closed], middlewares: [wrong]}
    other: {rule: "HostSNI(`*`)", service: one, entryPoints: [other], middlewares: [others]}
  middlewares:
    wrong: {ipAllowList: {sourceRange: [nonsense]}}
    others: {ipAllowList: {sourceRange: [192.0.2.0/24]}}
  services:
    one: {loadBalancer: {servers: [{address: "127.0.0.1:%(one)d"}]}}
    both:
      loadBalancer:
        servers: [{address: "127.0.0.1:%(one)d"}, {address: "127.0.0.1:%(two)d"}]
        healthCheck: {interval: 100ms, timeout: 60s, send: "check\\r\\n", expect: "+"}
"""


class Server:
    """Responds to requests with its name, and to health checks with `status`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = b"+OK\r\n"

    def __call__(self, connection: Connection) -> None:
        received = b""
        while piece := connection.socket.recv(4096):
            received += piece
            if received == b"check\r\n":
                connection.socket.sendall(self.status)
            elif received.endswith(b"\r\n\r\n"):
                connection.socket.sendall(http_response(self.name.encode()))
                received = b""


def test_health_checks_and_middlewares_of_a_file_are_in_force(
    installation: Callable[..., Installation], tmp_path: Path
) -> None:
    one, two = Server("one"), Server("two")
    raw, closed, other = (free_port() for _ in range(3))
    with Origin(one) as first, Origin(two) as second:
        routes = tmp_path / "routes.yml"
        routes.write_text(ROUTES % {"one": first.port, "two": second.port})
        running = installation(
            "--workers=2",
            f"--providers.file.filename={routes}",
            "--providers.docker=false",
            *(
                f"--entryPoints.{name}.address=127.0.0.1:{port}"
                for name, port in (("raw", raw), ("closed", closed), ("other", other))
            ),
            directory=tmp_path,
        )
        until_bodies({"one", "two"}, raw)
        two.status = b"-ERR\r\n"
        until_bodies({"one"}, raw)
        running.wait_for_workers(2)
        assert bodies(raw, 10) == ["one"] * 10
        (fault,) = [
            each
            for each in running.api("/api/rawdata")["diagnostics"]
            if each["subject"] == "TCP service both@file"
        ]
        assert "its response begins with b'-' instead of b'+'" in fault["message"]
        two.status = b"+OK\r\n"
        until_bodies({"one", "two"}, raw)
        for port in (closed, other):
            assert response_of(port) == b""
