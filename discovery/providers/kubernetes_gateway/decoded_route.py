"""A decoded route: its definitions, and what its status says."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.providers.kubernetes_gateway.attachments import Attachment
from discovery.providers.kubernetes_gateway.conditions import (
    PARTIALLY_INVALID,
    RESOLVED_REFS,
    Condition,
)

_RESOLVED = Condition(RESOLVED_REFS, True, "ResolvedRefs", "all references are resolved")


class DecodedRoute(Struct, frozen=True):
    """A route's definitions, and what its status says: its attachments, and conditions of all of them."""

    decoded: Decoded
    attachments: tuple[Attachment, ...]
    conditions: tuple[Condition, ...]


def route_conditions(unresolved: Condition | None, invalid: Iterable[str]) -> tuple[Condition, ...]:
    """Return the conditions of a route; `unresolved` is that of a reference, `invalid` are other faults."""
    resolved = unresolved or _RESOLVED
    message = "; ".join(invalid)
    if not message:
        return (resolved,)
    return resolved, Condition(PARTIALLY_INVALID, True, "UnsupportedValue", message)


def report_attachments(namespace: str, attachments: Iterable[Attachment], report: Report) -> None:
    """Report the Gateways that refuse a route in this namespace, and the hostnames that it loses."""
    for attachment in attachments:
        if not attachment.condition.holds:
            to = attachment.reference
            parent = f"Gateway {to.get('namespace') or namespace}/{to.get('name')}"
            report.warning(f"{parent} does not take it: {attachment.condition.message}")
        for name in attachment.lost:
            report.warning(
                f"it gets no requests for {name}, which belongs to a more specific listener",
                "name that listener's sectionName in parentRefs, or none",
            )
