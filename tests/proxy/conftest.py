"""Fixtures for tests of a running proxy."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.origin import Origin, Start


@pytest.fixture
def origin() -> Iterator[Start]:
    """Starts origins; a failed assertion in their handlers fails the test."""
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(Origin(handler))
