"""A separate proxy for each test, because tests end its workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy

Begin = Callable[..., Proxy]


@pytest.fixture
def begin(short_path: Path, store: Store) -> Iterator[Begin]:
    """Starts a proxy like `running_proxy`; it is stopped after the test."""
    with ExitStack() as stack:

        def start(*flags: str, workers: int = 1) -> Proxy:
            return stack.enter_context(running_proxy(short_path, store, *flags, workers=workers))

        yield start
