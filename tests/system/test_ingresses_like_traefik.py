"""The real Traefik 3 and Rondpoint make the same routes of the same Ingresses, and respond alike.

Both read the same stand-in for the API server. The tests compare the routers and services in both APIs, and
the outcomes of requests. Differences are listed with their reasons, and tested: one that no longer exists is
an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.lab.http_server import Handler, HttpServer
from tests.lab.installation import Installation, start
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import service
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system.ingresses_of_traefik import (
    CASES,
    DIFFERENCES,
    FILE,
    ONE,
    REQUEST_DIFFERENCES,
    SERVER_PORT,
    TWO,
    cluster,
)

# The first test starts everything.
pytestmark = pytest.mark.timeout(300)

FLAGS = ("--providers.kubernetesIngress.allowExternalNameServices=true",)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, int]]:
    """Two servers, which respond with their name and the target; their ports by name."""

    def handler(name: str) -> type[Handler]:
        class Named(Handler):
            def do_GET(self) -> None:  # noqa: N802
                self.reply(200, f"{name} {self.path}".encode())

        return Named

    with HttpServer(handler(ONE)) as one, HttpServer(handler(TWO)) as two:
        yield {name: int(each.url.rpartition(":")[2]) for name, each in ((ONE, one), (TWO, two))}


@pytest.fixture(scope="module")
def api(servers: dict[str, int]) -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.apply(*cluster(servers))
        for name, case in CASES.items():
            made = case.ingress(name)
            if name in SERVER_PORT:
                port = made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"]
                port["number"] = servers[ONE]
            server.apply(made)
        yield server


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def flags(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    path = tmp_path_factory.mktemp("routes") / "routes.yml"
    path.write_text(yaml.safe_dump(FILE))
    return (
        *FLAGS,
        f"--providers.kubernetesIngress.endpoint={api.url}",
        f"--providers.file.filename={path}",
    )


@pytest.fixture(scope="module")
def ours(running: Processes, flags: tuple[str, ...]) -> Installation:
    return start(running, "--workers=1", *flags)


@pytest.fixture(scope="module")
def theirs(running: Processes, flags: tuple[str, ...]) -> Installation:
    admin = free_port()
    made = start_traefik(
        running, "--api.insecure=true", f"--entryPoints.traefik.address=127.0.0.1:{admin}", *flags
    )
    return Installation(made.process, made.web, admin, None)


@pytest.fixture(scope="module")
def ready(ours: Installation, theirs: Installation) -> None:
    """Both proxies route all Ingresses: they read all before they route the first one."""
    for proxy in (ours, theirs):
        until(lambda proxy=proxy: proxy.request("plain.test").status == 200, "the Ingresses")


def described(proxy: Installation) -> Mapping[str, Any]:
    """Return rule, priority, entry points, middlewares and server URLs of each router, by name."""
    routers = proxy.api("/api/http/routers?per_page=1000")
    services = {
        each["name"]: sorted(
            server["url"].replace("[::1]", "localhost")
            for server in each.get("loadBalancer", {}).get("servers", ())
        )
        for each in proxy.api("/api/http/services?per_page=1000")
        if each["name"].endswith("@kubernetes")
    }
    found = {}
    for router in routers:
        # Rondpoint also lists routers that it left out, which have a name and diagnostics only.
        if not router["name"].endswith("@kubernetes") or "rule" not in router:
            continue
        name = router["service"]
        service_name = name if "@" in name else f"{name}@kubernetes"
        found[router["name"]] = {
            "rule": router["rule"],
            "priority": router.get("priority"),
            "middlewares": router.get("middlewares") or [],
            "tls": bool(router.get("tls")),
            "service": service_name,
            "servers": services.get(service_name),
        }
    return found


@pytest.fixture(scope="module")
def both(
    ready: None, ours: Installation, theirs: Installation
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return described(ours), described(theirs)


def of_case(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the routers of an Ingress: those whose name begins with its own."""
    if name == "default":
        return {key: each for key, each in found.items() if key.startswith("default-router@")}
    others = [other for other in CASES if other.startswith(f"{name}-")]
    namespace = CASES[name].ingress(name)["metadata"]["namespace"]
    start = f"{namespace}-{name}-"
    return {
        key: each
        for key, each in found.items()
        if key.startswith(start) and not any(key.startswith(f"{namespace}-{other}-") for other in others)
    }


@pytest.mark.parametrize("name", CASES)
def test_the_same_ingress_makes_the_same_routers_and_services(
    name: str, both: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> None:
    mine, other = (of_case(name, found) for found in both)
    assert (mine != other) == (name in DIFFERENCES), json.dumps([mine, other], indent=1)


def outcome(proxy: Installation, request: str) -> tuple[int, str]:
    host, _, path = request.partition("/")
    response = proxy.request(host, f"/{path}")
    return response.status, response.text if response.status == 200 else ""


REQUESTS = [(name, request.replace("{n}", name)) for name, case in CASES.items() for request in case.requests]


@pytest.mark.parametrize(("name", "request_line"), REQUESTS, ids=[line for _, line in REQUESTS])
def test_the_same_request_has_the_same_outcome(
    name: str, request_line: str, ready: None, ours: Installation, theirs: Installation
) -> None:
    mine, other = outcome(ours, request_line), outcome(theirs, request_line)
    assert (mine != other) == ((name, request_line) in REQUEST_DIFFERENCES), (mine, other)


def test_a_change_reaches_both(api: ApiServer, ready: None, ours: Installation, theirs: Installation) -> None:
    api.apply(service("late"))
    made = CASES["plain"].ingress("late")
    api.apply(made)
    for proxy in (ours, theirs):
        proxy.wait_for("late.test")
    api.delete(made)
    for proxy in (ours, theirs):
        until(lambda proxy=proxy: proxy.request("late.test").text.startswith(TWO), "the default backend")


def test_listed_differences_have_a_request() -> None:
    assert set(REQUEST_DIFFERENCES) <= set(REQUESTS)
    assert set(DIFFERENCES) <= set(CASES)
    assert len(REQUESTS) >= 60
