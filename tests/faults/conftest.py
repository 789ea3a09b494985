"""What each fault test needs: a site, its figures kept, and how long it may take."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.load import Load
from tests.faults.site import Site, a_site
from tests.faults.table import Row, markdown
from tests.lab.engine import Engine
from tests.lab.origin import Origin
from tests.lab.store import Store

Report = Callable[..., None]
Start = Callable[..., Origin]
ROWS = pytest.StashKey[list[Row]]()
LONG = 900
"""Seconds for one test with `--full`."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if config.getoption("--full"):
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.timeout(LONG))
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(markdown(rows))


@pytest.fixture
def full(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for all repetitions and for the full durations."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Report:
    """Keeps a fault's figures for the table: its name, the loads it met, and seconds to converge."""
    rows = pytestconfig.stash.setdefault(ROWS, [])

    def keep(fault: str, *loads: Load, converged: float, may_fail: str = "0") -> None:
        tallies = [load.tally for load in loads]
        sent, failed = sum(each.sent for each in tallies), sum(each.failed for each in tallies)
        slowest = max(each.slowest for each in tallies)
        rows.append(Row(fault, sent, failed, may_fail, slowest, converged))

    return keep


@pytest.fixture(scope="module")
def lasting_store() -> Iterator[Store]:
    """A running store for all tests of a file."""
    with TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory)) as running:
        yield running


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    """A site without a Docker engine, on `store`; nothing is started yet."""
    with a_site(store.url) as site:
        yield site


@pytest.fixture
def docker_site(store: Store, engine: Engine) -> Iterator[Site]:
    """A site in the network of the run's engine, on `store`; nothing is started yet."""
    with a_site(store.url, engine) as site:
        yield site


@pytest.fixture
def origin() -> Iterator[Start]:
    """Starts origins, as `Origin` does; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(Origin(*arguments, **options))
