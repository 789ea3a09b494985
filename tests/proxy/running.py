"""A running `rondpoint proxy` on a store of its own, to which tests publish what they want served."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from rondpoint.model import Configuration, Middleware, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Process, installed
from tests.lab.store import Store
from tests.lab.waiting import until


class Proxy:
    """The process, its web port, and the configuration it is given; tell `publish` of each change."""

    def __init__(self, process: Process, web: int, admin: int, store: Store, workers: int = 1) -> None:
        self.process = process
        self.workers = workers
        self.web = web
        self.admin = admin
        self.store = store
        self.routers: dict[str, Router] = {}
        self.services: dict[str, Service] = {}
        self.middlewares: dict[str, Middleware] = {}
        self._numbers = count(1)
        self.revision = 0  # of what was published last
        self._client = connect(store.url)
        self._publisher = Publisher(self._client, Keys())

    def close(self) -> None:
        self._client.close()

    def route(self, *origins: Origin | int, rule: str = "", **options: object) -> str:
        """Serve these origins, or ports, under a host name of their own, which is returned; in force at once.

        `options` are the router's; a `rule` may hold {host}.
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
        """Give the service that `route` made for this host other options; in force at once."""
        name = host.removesuffix(".test")
        self.services[name] = msgspec.structs.replace(self.services[name], **options)
        self.publish()

    def publish(self, *, wait: bool = True) -> None:
        """Publish routers and services as they are, and wait until all workers serve them."""
        name = f"marker{next(self._numbers)}"
        # A router to a service without servers: 503 instead of 404 once the configuration is in force.
        marker = Router(name, v3.parse(f"Path(`/{name}`)"), name, 10_000)
        configuration = Configuration(
            self.routers | {name: marker}, self.services | {name: Service(name)}, self.middlewares
        )
        seen = len(self.process.log)
        self.revision = self._publisher.publish(configuration)
        if wait:
            until(lambda: self._serves_marker(name), "the configuration in force")
        if wait and self.workers > 1:
            self.wait_for(self.revision, after=seen)

    def wait_for(self, revision: int, *, after: int = 0) -> None:
        """Return once all workers have this revision, which another proxy's test may have published.

        What the log says up to the character `after` does not count: an emptied store counts anew.
        """

        def serve() -> bool:
            if self.workers == 1:
                found = http.request(self.admin, "localhost", "/api/rawdata")
                return int(json.loads(found.body)["revision"]) >= revision
            told = re.findall(
                r"\[(\d+)\]: revision (\d+) (?:applied|read)$", self.process.log[after:], re.MULTILINE
            )
            return len({pid for pid, number in told if int(number) >= revision}) >= self.workers

        until(serve, "the configuration in force in all workers")

    def _serves_marker(self, name: str) -> bool:
        try:
            response = http.request(self.web, "marker.test", f"/{name}")
        except (OSError, HTTPException):
            # Cut for its slowness, where the time-outs are short and the machine is busy.
            return False
        # A worker without any configuration answers 503 to everything, for another reason.
        return response.status == 503 and "no available server" in response.text

    def withdraw(self) -> None:
        """Serve nothing any more."""
        self.routers.clear()
        self.services.clear()
        self.middlewares.clear()
        self.publish()

    def status(self, host: str, path: str = "/") -> int:
        return http.request(self.web, host, path).status

    def get(self, host: str, path: str = "/") -> str:
        """The body of a 200 to a request over a new connection."""
        response = http.request(self.web, host, path)
        assert response.status == 200, response
        return response.text


@contextmanager
def running_proxy(directory: Path, store: Store, *flags: str, workers: int = 1) -> Iterator[Proxy]:
    """Starts it on free ports, and stops it; the store is the caller's. LabError when either fails."""
    web, admin = free_port(), free_port()
    arguments = [
        installed("rondpoint"),
        "proxy",
        f"--workers={workers}",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        f"--stateDirectory={directory}",
        # What several workers have in force is read in the log.
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
    """A running proxy with a directory and a store of its own."""
    with (
        TemporaryDirectory(prefix="rp-") as directory,
        Store(Path(directory)) as store,
        running_proxy(Path(directory), store, *flags, workers=workers) as proxy,
    ):
        yield proxy


def watched(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy for one test, after which its log must show no fault and it serves nothing any more."""
    before = len(proxy.process.log)
    yield proxy
    proxy.withdraw()
    log = proxy.process.log[before:]
    assert "Traceback" not in log, log
    assert "Booting worker" not in log, log
