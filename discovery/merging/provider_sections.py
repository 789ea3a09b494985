"""Puts the objects of one kind of all providers into one mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from rondpoint.diagnostics import Diagnostic, Severity

T = TypeVar("T")


def add_section(
    united: dict[str, T], own: Mapping[str, T], kind: str, provider: str, diagnostics: list[Diagnostic]
) -> None:
    """Add a provider's objects to those of others; report names that another provider has defined."""
    for name in united.keys() & own.keys():
        diagnostics.append(
            Diagnostic(
                Severity.ERROR,
                provider,
                f"{kind} {name}",
                "another provider defines this name too, and its definition is used",
                "give it another name",
            )
        )
    united.update((name, value) for name, value in own.items() if name not in united)
