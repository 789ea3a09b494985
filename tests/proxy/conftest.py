"""What tests of a running proxy share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.origin import Origin, Start


@pytest.fixture
def origin() -> Iterator[Start]:
    """Starts origins; what their handlers assert in vain fails the test."""
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(Origin(handler))
