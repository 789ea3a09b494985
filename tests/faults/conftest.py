"""Fixtures of fault tests: sites, origins, and the report of figures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.load import Load
from tests.faults.site import Site, new_site
from tests.faults.table import Row, markdown
from tests.lab.engine import Engine
from tests.lab.origin import Origin
from tests.lab.store import Store

Report = Callable[..., None]
Start = Callable[..., Origin]
ROWS = pytest.StashKey[list[Row]]()
LONG = 900
"""The time limit in seconds of one test with `--full`."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if config.getoption("--full"):
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.timeout(LONG))
        return
    deselected = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in deselected]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(markdown(rows))


@pytest.fixture
def full(pytestconfig: pytest.Config) -> bool:
    """Whether tests run all repetitions and their full durations."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Report:
    """Records a row of the table: a fault's name, the loads during it, and the seconds to converge."""
    rows = pytestconfig.stash.setdefault(ROWS, [])

    def record(fault: str, *loads: Load, converged: float, may_fail: str = "0") -> None:
        tallies = [load.tally for load in loads]
        sent, failed = sum(tally.sent for tally in tallies), sum(tally.failed for tally in tallies)
        slowest = max(tally.slowest for tally in tallies)
        rows.append(Row(fault, sent, failed, may_fail, slowest, converged))

    return record


@pytest.fixture(scope="module")
def module_store() -> Iterator[Store]:
    """A running store for all tests of a module."""
    with TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory)) as running:
        yield running


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    """A site with `store` and without a Docker engine; nothing is started yet."""
    with new_site(store.url) as site:
        yield site


@pytest.fixture
def docker_site(store: Store, engine: Engine) -> Iterator[Site]:
    """A site with `store` in the network of the run's engine; nothing is started yet."""
    with new_site(store.url, engine) as site:
        yield site


@pytest.fixture
def origin() -> Iterator[Start]:
    """Starts origins, with the arguments of `Origin`; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(Origin(*arguments, **options))
