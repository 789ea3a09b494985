"""The same labels on real containers, the same requests to Traefik 3 and to Rondpoint: the same answers.

Compared are the status, which containers answered, and the target that reached them. Where Rondpoint departs
on purpose, DIFFERENCES says how; these are looked at as well, lest a reason outlive its difference.
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
from tests.system.labels_of_traefik import CASES, DIFFERENCES, FILE, OPTIONS, SHARED, SampleRequest, Labels

# The first test has all containers made.
pytestmark = pytest.mark.timeout(600)

TRIES = 4

FLAGS = (
    "--providers.docker.constraints=!Label(`skip`, `yes`)",
    f"--providers.docker.defaultRule={DEFAULT_RULE}",
)


def expanded(text: str, name: str) -> str:
    return text.replace("{n}", name).replace("{N}", name.upper())


def containers_of(cases: Mapping[str, tuple[list[Labels], list[str | SampleRequest]]]) -> dict[str, Labels]:
    """Labels by the container's name; cases of SHARED have theirs together."""
    found: dict[str, Labels] = {}
    for name, (each, _) in cases.items():
        for number, labels in enumerate(each):
            own = SHARED.get(name) or (f"{name}-{number}" if number else name)
            given = {
                expanded(key, name): value if key == OPTIONS else expanded(value, name)
                for key, value in labels.items()
            }
            found[own] = found.get(own, {}) | given
    return found


@pytest.fixture(scope="module")
def containers(docker_client: docker.DockerClient, whoami_image: str) -> Iterator[None]:
    """Those of all cases, and one that is routed when all others are."""
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
    """Both have routed every container: they answer for one of them, and read all before they do."""
    for proxy in (ours, theirs):
        until(lambda proxy=proxy: proxy.request("chained.test", "/s/x").status == 200, "the containers")


def outcome(
    proxy: Installation, asked: SampleRequest, name: str
) -> tuple[int, frozenset[str], frozenset[str | None]]:
    """The status, and the containers and targets that so many requests in a row came to."""
    method, _, rest = expanded(asked.line, name).rpartition(" ")
    where, slash, target = rest.partition("/")
    answers = [
        proxy.request(where, slash + target, method=method or "GET", headers=asked.headers)
        for _ in range(TRIES)
    ]
    (status,) = {answer.status for answer in answers}
    if status != 200:
        return status, frozenset(), frozenset()
    return (
        status,
        frozenset(answer.text for answer in answers),
        frozenset(answer.header("X-Target") for answer in answers),
    )


@pytest.mark.parametrize("name", CASES)
def test_the_same_labels_and_requests_have_the_same_outcome(
    name: str, ready: None, ours: Installation, theirs: Installation
) -> None:
    _, asked = CASES[name]
    for each in asked:
        question = SampleRequest(each) if isinstance(each, str) else each
        mine, other = outcome(ours, question, name), outcome(theirs, question, name)
        assert (mine != other) == ((name, question.line) in DIFFERENCES), (question, mine, other)


def test_departures_are_asked() -> None:
    asked = {
        (name, each if isinstance(each, str) else each.line)
        for name, (_, all_of) in CASES.items()
        for each in all_of
    }
    assert set(DIFFERENCES) <= asked
