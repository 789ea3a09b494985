"""Conditions, by which a status says what became of an object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

ACCEPTED = "Accepted"
CONFLICTED = "Conflicted"
PARTIALLY_INVALID = "PartiallyInvalid"
PROGRAMMED = "Programmed"
RESOLVED_REFS = "ResolvedRefs"

_MAX_MESSAGE = 32_768


class Condition(Struct, frozen=True):
    """One condition: whether what `type` names `holds`, and why."""

    type: str
    holds: bool
    reason: str
    message: str = ""


def written_conditions(
    conditions: Iterable[Condition], before: Iterable[Mapping[str, Any]], generation: int, now: str
) -> list[dict[str, Any]]:
    """Return conditions as a status has them; those of `before` keep the time of their last transition."""
    known = {each.get("type"): each for each in before}
    found = []
    for condition in conditions:
        status = "True" if condition.holds else "False"
        old = known.get(condition.type, {})
        unchanged = old.get("status") == status and old.get("lastTransitionTime")
        found.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": condition.message[:_MAX_MESSAGE],
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if unchanged else now,
            }
        )
    return found
