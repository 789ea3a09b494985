"""Cases for middlewares: the same options and requests for Traefik 3 and Rondpoint.

Each module has one family of middlewares, and lists its cases in `CASES`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.system.middleware_cases.case import Case

FORM = "case"
"""The module with the form of a case, which has no cases."""


def all_cases() -> dict[str, Case]:
    """Return the cases of all modules by name. Raises AssertionError if two have the same name."""
    found: dict[str, Case] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        if module.name.rpartition(".")[2] == FORM:
            continue
        for case in import_module(module.name).CASES:
            assert case.name not in found, f"two cases are called {case.name}"
            found[case.name] = case
    return found
