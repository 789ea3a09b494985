"""Fixtures for tests of a whole installation."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.installation import Installation, start
from tests.lab.processes import Processes


@pytest.fixture
def installation(processes: Processes) -> Callable[..., Installation]:
    """Starts `rondpoint`, as `tests.lab.installation.start` does; it is stopped after the test."""

    def begin(*flags: str, **options: Any) -> Installation:
        return start(processes, *flags, **options)

    return begin
