"""Fixtures for tests of a whole installation."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.installation import Installation, start
from tests.lab.processes import Processes


@pytest.fixture
def installation(processes: Processes) -> Callable[..., Installation]:
    """Starts `rondpoint`, with the arguments of `tests.lab.installation.start`; stopped after the test."""

    def start_installation(*flags: str, **options: Any) -> Installation:
        return start(processes, *flags, **options)

    return start_installation
