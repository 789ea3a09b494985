"""Traefik 3 and Rondpoint respond alike to the same requests, with the same labels on real containers.

The tests compare the status, the containers that respond, and the target that they get. DIFFERENCES lists
intended differences. They are tested, too: a listed difference that no longer exists is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import docker
import pytest
import yaml

from tests.lab.engine import Engine
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system.default_rule_of_traefik import DEFAULT_RULE
from tests.system.labels_of_traefik import CASES, DIFFERENCES, FILE, OPTIONS, SHARED, Labels, SampleRequest

# The first test starts all containers.
pytestmark = pytest.mark.timeout(600)

REQUESTS = 4

FLAGS = (
    "--providers.docker.constraints=!Label(`skip`, `yes`)",
    f"--providers.docker.defaultRule={DEFAULT_RULE}",
)


def expand(text: str, name: str) -> str:
    return text.replace("{n}", name).replace("{N}", name.upper())


def containers_of(cases: Mapping[str, tuple[list[Labels], list[str | SampleRequest]]]) -> dict[str, Labels]:
    """Return labels by the container's name; the cases in SHARED share containers."""
    found: dict[str, Labels] = {}
    for name, (each, _) in cases.items():
        for number, labels in enumerate(each):
            own = SHARED.get(name) or (f"{name}-{number}" if number else name)
            given = {
                expand(key, name): value if key == OPTIONS else expand(value, name)
                for key, value in labels.items()
            }
            found[own] = found.get(own, {}) | given
    return found


@pytest.fixture(scope="module")
def containers(docker_client: docker.DockerClient, whoami_image: str) -> Iterator[None]:
    """The running containers of all cases."""
    started = []
    try:
        for own, given in sorted(containers_of(CASES).items()):
            options = {"hostname": own, **given.pop(OPTIONS, {})}
            stopped = options.pop("stopped", False)
            container = docker_client.containers.create(
                whoami_image, detach=True, name=own, labels=given, **options
            )
            started.append(container)
            if not stopped:
                container.start()
        yield
    finally:
        for container in started:
            container.remove(force=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    path = tmp_path_factory.mktemp("routes") / "routes.yml"
    path.write_text(yaml.safe_dump(FILE))
    return (*FLAGS, f"--providers.file.filename={path}")


@pytest.fixture(scope="module")
def ours(containers: None, running: Processes, engine: Engine, flags: tuple[str, ...]) -> Installation:
    return start(running, "--workers=1", *flags, engine=engine)


@pytest.fixture(scope="module")
def theirs(containers: None, running: Processes, engine: Engine, flags: tuple[str, ...]) -> Installation:
    return start_traefik(running, f"--providers.docker.endpoint={engine.socket_url}", *flags, engine=engine)


@pytest.fixture(scope="module")
def ready(ours: Installation, theirs: Installation) -> None:
    """Both proxies route all containers: they read all before they route the first one."""
    for proxy in (ours, theirs):
        until(lambda proxy=proxy: proxy.request("chained.test", "/s/x").status == 200, "the containers")


def outcome(
    proxy: Installation, sample: SampleRequest, name: str
) -> tuple[int, frozenset[str], frozenset[str | None]]:
    """Send REQUESTS equal requests; return the status, and the containers and targets that they reached."""
    method, _, rest = expand(sample.line, name).rpartition(" ")
    where, slash, target = rest.partition("/")
    responses = [
        proxy.request(where, slash + target, method=method or "GET", headers=sample.headers)
        for _ in range(REQUESTS)
    ]
    (status,) = {response.status for response in responses}
    if status != 200:
        return status, frozenset(), frozenset()
    return (
        status,
        frozenset(response.text for response in responses),
        frozenset(response.header("X-Target") for response in responses),
    )


@pytest.mark.parametrize("name", CASES)
def test_the_same_labels_and_requests_have_the_same_outcome(
    name: str, ready: None, ours: Installation, theirs: Installation
) -> None:
    _, samples = CASES[name]
    for each in samples:
        sample = SampleRequest(each) if isinstance(each, str) else each
        mine, other = outcome(ours, sample, name), outcome(theirs, sample, name)
        assert (mine != other) == ((name, sample.line) in DIFFERENCES), (sample, mine, other)


def test_differences_have_a_request() -> None:
    requests = {
        (name, each if isinstance(each, str) else each.line)
        for name, (_, samples) in CASES.items()
        for each in samples
    }
    assert set(DIFFERENCES) <= requests
