"""Fixtures that start the lab's real parts for the tests that use them."""

import os
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import docker
import hypothesis
import pytest
from docker.errors import NotFound
from docker.models.containers import Container
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.lab.compose import Compose
from tests.lab.consul import Consul
from tests.lab.engine import Engine
from tests.lab.errors import LabError
from tests.lab.image import import_whoami
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.zookeeper import ZooKeeper

SHARED_FOLDERS = ("/system/images/", "/system/swarm/")
"""Folders whose tests share what starts slowly: one process runs them."""

SLOW_FOLDERS = (
    *SHARED_FOLDERS,
    "/system/",
    "/faults/",
    "/proxy/admin/",
    "/proxy/wire/",
    "/proxy/process/",
    "/proxy/ejection/",
    "/proxy/test_",
    "/proxy/routing/",
    "/proxy/balancing/",
    "/proxy/http2/",
    "/discovery/providers/",
    "/discovery/health/",
    "/discovery/acme/",
    "/discovery/test_",
    "/rondpoint/store/",
    "/rondpoint/cli/",
)
"""Parts of the paths of tests that use whole programs or take long, in the order in which these tests run."""

# Every run uses the same examples. There is no time limit for them: the machine may be busy.
hypothesis.settings.register_profile(
    "rondpoint",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("rondpoint")


@pytest.fixture(autouse=True)
def _current_loop_time() -> None:
    """Let gevent's event loop learn the time: it stood still while other tests ran.

    Otherwise the first time-out of a test would begin when the loop last ran, and may be over at once.
    """
    if "gevent" in sys.modules:
        sys.modules["gevent"].get_hub().loop.update_now()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run all fault tests with their full durations")


def pytest_configure() -> None:
    # By default SIGTERM ends the run without cleaning up, which leaves an engine running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Where the environment forbids bytecode, each program that a test starts would compile all of Rondpoint.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


class _Scheduling(LoadFileScheduling):
    """One process runs all tests of a file, and all of a folder whose tests share what starts slowly."""

    def _split_scope(self, nodeid: str) -> str:
        shared = next((each for each in SHARED_FOLDERS if each in nodeid), "")
        return shared or str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    config.option.loadscopereorder = False
    return _Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run slow folders first, so that short files remain for the end; of a folder, the longest files first.

    Files of one folder follow each other, since the next folder ends the programs of `package` fixtures.
    """
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (_folder_rank(item.nodeid), -tests[item.path]))


def _folder_rank(nodeid: str) -> int:
    for rank, folder in enumerate(SLOW_FOLDERS):
        if folder in nodeid:
            return rank
    return len(SLOW_FOLDERS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fixtures = getattr(item, "funcargs", {}).values() if report.failed else ()
    for fixture in fixtures:
        # Fixtures that outlive a test have their processes in this attribute.
        started = getattr(fixture, "processes", fixture)
        if isinstance(started, Processes):
            for process in started.started:
                report.sections.append((f"log of {process.name} (pid {process.pid})", process.log))
    return report


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty directory with a path short enough for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="rp-") as directory:
        yield Path(directory)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Starts programs; after the test, running ones are stopped. Orphans are an error."""
    started = Processes()
    yield started
    started.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose connections are neither accepted nor refused, as if its machine had disappeared."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # The kernel queues one connection more than the backlog; then the queue is full.
        stack.enter_context(socket.create_connection(listener.getsockname()))
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def store(short_path: Path) -> Iterator[Store]:
    """A running, empty Valkey for one test."""
    with Store(short_path) as running:
        yield running


@pytest.fixture
def redis_store() -> Iterator[Store]:
    """A running, empty Redis for one test: Debian's version, older than the Valkey of `store`."""
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory), "redis") as running:
        yield running


@pytest.fixture
def consul(tmp_path: Path) -> Iterator[Consul]:
    """A running, empty Consul for one test; its data is lost when it is killed."""
    with Consul(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeper]:
    """The ZooKeeper server of this run. Each test uses a root key of its own."""
    with ZooKeeper(tmp_path_factory.mktemp("zookeeper")) as running:
        yield running


@pytest.fixture(scope="session")
def dns_server() -> Iterator[DnsServer]:
    """The DNS server of this run; every name has the address 127.0.0.1."""
    with DnsServer() as running:
        yield running


@pytest.fixture(scope="session")
def pebble(dns_server: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """The CA of this run. Each test uses names of its own, and listens on the CA's ports for challenges."""
    with Pebble(tmp_path_factory.mktemp("pebble"), dns_server.address) as running:
        yield running


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The Docker engine of this run."""
    problem = ""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(Engine())
        except LabError as error:
            problem = str(error)
        # Outside the handler, the failure is one line without the traceback.
        if problem:
            pytest.fail(problem, pytrace=False)
        yield running


@pytest.fixture(scope="session")
def docker_client(engine: Engine) -> Iterator[docker.DockerClient]:
    """A client of the engine."""
    with closing(engine.client()) as client:
        yield client


@pytest.fixture(scope="session")
def whoami_image(docker_client: docker.DockerClient) -> str:
    """The name of the image whose containers respond with their host name."""
    return import_whoami(docker_client)


@pytest.fixture
def whoami(docker_client: docker.DockerClient, whoami_image: str) -> Iterator[Callable[..., Container]]:
    """Starts containers of the image, with options of the SDK such as `labels=`; removed after the test."""
    started: list[Container] = []

    def start(**options: Any) -> Container:
        container = docker_client.containers.run(options.pop("image", whoami_image), detach=True, **options)
        started.append(container)
        container.reload()
        return container

    yield start
    for container in started:
        with suppress(NotFound):
            container.remove(force=True)


@pytest.fixture
def compose(engine: Engine, whoami_image: str, tmp_path: Path) -> Iterator[Callable[..., Compose]]:
    """Creates a compose project from a file's text; its containers are removed after the test."""
    projects: list[Compose] = []

    def project(text: str, name: str = "project") -> Compose:
        directory = tmp_path / name
        directory.mkdir()
        (directory / "docker-compose.yml").write_text(text)
        projects.append(Compose(directory, engine.socket_url))
        return projects[-1]

    yield project
    for each in projects:
        each.down()
