"""Reads the constraints of a provider's settings."""

from __future__ import annotations

from discovery.labels import constraints
from discovery.labels.constraints import Constraint, ConstraintError
from discovery.providers.errors import ProviderError


def parse_constraints(text: str, section: str) -> Constraint:
    """Return the constraint of the settings in `section` (`providers.docker`). Raises ProviderError."""
    try:
        return constraints.parse(text)
    except ConstraintError as error:
        raise ProviderError(f"{section}.constraints: {error}") from error
