"""Builds the classes of an entry point's clients from the features that its observation needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.downstream.identified_connection import IdentifiedConnection
from proxy.downstream.observed_connection import (
    ExaminingConnection,
    HeadKeepingConnection,
    ObservedConnection,
)

if TYPE_CHECKING:
    from proxy.downstream.client_side import ClientSide
    from proxy.downstream.observed_connection import Observation

_classes: dict[tuple[bool, bool, bool, type[ClientSide]], type[ObservedConnection]] = {}


def observed_class(observation: Observation, base: type[ClientSide]) -> type[ObservedConnection]:
    """Return the class for observed clients, which is a subclass of `base`, the class for others."""
    key = (observation.heads, observation.identifies, observation.examines, base)
    found = _classes.get(key)
    if found is None:
        found = _classes[key] = _build_class(*key)
    return found


def _build_class(
    heads: bool, identifies: bool, examines: bool, base: type[ClientSide]
) -> type[ObservedConnection]:
    bases = (
        *(HeadKeepingConnection,) * heads,
        *(IdentifiedConnection,) * identifies,
        *(ExaminingConnection,) * examines,
    ) or (ObservedConnection,)
    base_methods = {
        "_base_next_request": base.next_request,
        "_base_forwarded": base.forwarded,
        "_next_unidentified": ExaminingConnection.next_request if examines else base.next_request,
    }
    return type("Observed", (*bases, base), base_methods)
