"""A running `rondpoint proxy` with a store of its own, to which tests publish configurations."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from rondpoint.configuration import Configuration
from rondpoint.model import Middleware, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Process, installed
from tests.lab.store import Store
from tests.lab.waiting import until


class Proxy:
    """The process, its ports, and its configuration; call `publish` after each change."""

    def __init__(self, process: Process, web: int, admin: int, store: Store, workers: int = 1) -> None:
        self.process = process
        self.workers = workers
        self.web = web
        self.admin = admin
        self.store = store
        self.routers: dict[str, Router] = {}
        self.services: dict[str, Service] = {}
        self.middlewares: dict[str, Middleware] = {}
        self.certificates: dict[str, Certificate] = {}
        self.tls_options: dict[str, TlsOptions] = {}
        self.tcp_routers: dict[str, TcpRouter] = {}
        self.tcp_services: dict[str, TcpService] = {}
        self.tcp_middlewares: dict[str, Middleware] = {}
        self._numbers = count(1)
        self.revision = 0  # of the last publication
        self._client = connect(store.url)
        self._publisher = Publisher(self._client, Keys())

    def close(self) -> None:
        self._client.close()

    def route(self, *origins: Origin | int, rule: str = "", **options: object) -> str:
        """Serve these origins, or ports, under a new host name, and return it once it is in force.

        `options` are the router's; a `rule` may contain {host}.
        """
        name = f"t{next(self._numbers)}"
        host = f"{name}.test"
        ports = [origin if isinstance(origin, int) else origin.port for origin in origins]
        servers = tuple(Server(f"s{number}", "127.0.0.1", port) for number, port in enumerate(ports))
        self.services[name] = Service(name, servers)
        text = rule.format(host=host) if rule else f"Host(`{host}`)"
        self.routers[name] = msgspec.structs.replace(Router(name, v3.parse(text), name, 10), **options)
        self.publish()
        return host

    def tune(self, host: str, **options: object) -> None:
        """Change options of the service of this host, and wait until they are in force."""
        name = host.removesuffix(".test")
        self.services[name] = msgspec.structs.replace(self.services[name], **options)
        self.publish()

    def publish(self, *, wait: bool = True) -> None:
        """Publish the current routers and services, and wait until all workers serve them."""
        name = f"marker{next(self._numbers)}"
        # A router to a service without servers: 503 instead of 404 once the configuration is in force.
        marker = Router(name, v3.parse(f"Path(`/{name}`)"), name, 10_000)
        configuration = Configuration(
            self.routers | {name: marker},
            self.services | {name: Service(name)},
            self.middlewares,
            tls_options=self.tls_options,
            certificates=self.certificates,
            tcp_routers=self.tcp_routers,
            tcp_services=self.tcp_services,
            tcp_middlewares=self.tcp_middlewares,
        )
        seen = len(self.process.log)
        self.revision = self._publisher.publish(configuration)
        if wait:
            until(lambda: self._serves_marker(name), "the configuration in force")
        if wait and self.workers > 1:
            self.wait_for(self.revision, after=seen)

    def wait_for(self, revision: int, *, after: int = 0) -> None:
        """Wait until all workers have this revision, which another proxy's test may have published.

        The log up to the character `after` does not count, because an emptied store restarts its count.
        """

        def serve() -> bool:
            if self.workers == 1:
                found = http.request(self.admin, "localhost", "/api/rawdata")
                return int(json.loads(found.body)["revision"]) >= revision
            applied = re.findall(
                r"\[(\d+)\]: revision (\d+) (?:applied|read)$", self.process.log[after:], re.MULTILINE
            )
            return len({pid for pid, number in applied if int(number) >= revision}) >= self.workers

        until(serve, "the configuration in force in all workers")

    def _serves_marker(self, name: str) -> bool:
        try:
            response = http.request(self.web, "marker.test", f"/{name}")
        except (OSError, HTTPException):
            # On a busy machine the request may exceed short timeouts.
            return False
        # A worker without any configuration responds 503 to everything, for another reason.
        return response.status == 503 and "no available server" in response.text

    def withdraw(self) -> None:
        """Publish an empty configuration."""
        self.routers.clear()
        self.services.clear()
        self.middlewares.clear()
        self.certificates.clear()
        self.tls_options.clear()
        self.tcp_routers.clear()
        self.tcp_services.clear()
        self.tcp_middlewares.clear()
        self.publish()

    def status(self, host: str, path: str = "/") -> int:
        return http.request(self.web, host, path).status

    def get(self, host: str, path: str = "/") -> str:
        """Send a request over a new connection, and return the body of its 200 response."""
        response = http.request(self.web, host, path)
        assert response.status == 200, response
        return response.text


@contextmanager
def running_proxy(directory: Path, store: Store, *flags: str, workers: int = 1) -> Iterator[Proxy]:
    """Start a proxy on free ports, and stop it; the caller owns the store. Raises LabError."""
    web, admin = free_port(), free_port()
    arguments = [
        installed("rondpoint"),
        "proxy",
        f"--workers={workers}",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        f"--stateDirectory={directory}",
        # The log shows which revision several workers have in force.
        f"--log.level={'DEBUG' if workers > 1 else 'INFO'}",
        *flags,
    ]
    with Process(arguments, environment={"RONDPOINT_REDIS_URL": store.url}, directory=directory) as process:
        process.wait_for_port(web)
        process.wait_for_line("Booting worker", count=workers)
        proxy = Proxy(process, web, admin, store, workers)
        try:
            yield proxy
        finally:
            proxy.close()


@contextmanager
def lone_proxy(*flags: str, workers: int = 1) -> Iterator[Proxy]:
    """Run a proxy with a directory and a store of its own."""
    with (
        TemporaryDirectory(prefix="rp-") as directory,
        Store(Path(directory)) as store,
        running_proxy(Path(directory), store, *flags, workers=workers) as proxy,
    ):
        yield proxy


def watched(proxy: Proxy) -> Iterator[Proxy]:
    """Yield the proxy for one test; afterwards empty its configuration, and check its log for errors."""
    before = len(proxy.process.log)
    yield proxy
    proxy.withdraw()
    log = proxy.process.log[before:]
    assert "Traceback" not in log, log
    assert "Booting worker" not in log, log
