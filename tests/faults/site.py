"""A Rondpoint of several processes, as in production: a store, agents and proxies."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.read import revision
from tests.faults.convergence import Servers, converge
from tests.faults.load import Load
from tests.faults.outcomes import Plan
from tests.faults.sources import HOST, Routes
from tests.lab.engine import Engine
from tests.lab.installation import Installation, start
from tests.lab.processes import Process, Processes

WORKERS = 2


class Site:
    """The agents and proxies that use the store at `url`.

    `processes` stops everything that is started here. With an `engine`, all processes run in its network.
    """

    def __init__(self, processes: Processes, url: str, directory: Path, engine: Engine | None = None) -> None:
        self.processes = processes
        self.url = url
        self.routes = Routes(directory / "routes.yml")
        self.instances: list[Installation] = []
        self._directory = directory
        self._engine = engine
        self._loads = 0

    def agent(self, *flags: str, environment: Mapping[str, str] | None = None) -> Process:
        """Start an agent; `flags` name its sources."""
        return self.processes(
            "rondpoint",
            "agent",
            *flags,
            enter=self._engine.enter if self._engine else (),
            environment={**self._settings(), **(environment or {})},
        )

    def follow_docker(self, endpoint: str = "", **options: Any) -> Process:
        """Start an agent that reads the engine's containers at `endpoint`, by default the engine's socket."""
        if self._engine is None:
            raise LookupError("this site has no engine")
        return self.agent(f"--providers.docker.endpoint={endpoint or self._engine.socket_url}", **options)

    def instance(self, *flags: str, workers: int = WORKERS, **options: Any) -> Installation:
        """Start a proxy; options as in `tests.lab.installation.start`."""
        instance = start(
            self.processes,
            f"--workers={workers}",
            "--log.level=INFO",
            *flags,
            command=("proxy",),
            engine=self._engine,
            environment=self._settings(),
            **options,
        )
        self.instances.append(instance)
        return instance

    def converge(self, expected: Servers, *, timeout: float = 90.0) -> float:
        """Wait until all workers have the store's revision and these servers; return the seconds it took."""
        return converge(self.instances, self.url, expected, timeout=timeout)

    def has_local_snapshot(self) -> bool:
        """Return whether a worker has written the current configuration to its local snapshot."""
        with connect(self.url) as client:
            current = revision(client, Keys())
        files = self._directory.glob("configuration-*.jsonl")
        return any(file.read_text().startswith(f"{current}\n") for file in files)

    def load(self, *instances: Installation, **options: Any) -> Load:
        """Return a load on these instances, or on all; options are those of `Plan`."""
        self._loads += 1
        directory = self._directory / f"load-{self._loads}"
        directory.mkdir()
        ports = tuple(instance.web for instance in instances or self.instances)
        plan = Plan(**{"ports": ports, "host": HOST, **options})
        return Load(plan, directory, self._engine.enter if self._engine else ())

    def _settings(self) -> dict[str, str]:
        return {"RONDPOINT_REDIS_URL": self.url, "RONDPOINT_STATEDIRECTORY": str(self._directory)}


@contextmanager
def new_site(url: str, engine: Engine | None = None) -> Iterator[Site]:
    """Create a site; at the end, stop everything that was started on it. Raises LabError for orphans."""
    processes = Processes()
    with TemporaryDirectory(prefix="rp-") as name:
        try:
            yield Site(processes, url, Path(name), engine)
        finally:
            processes.stop()
