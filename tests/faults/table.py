"""Formats the figures of a run as the table in docs/operations.md."""

from msgspec import Struct


class Row(Struct, frozen=True):
    """One fault: the requests sent during it, the failed ones, and the seconds until convergence."""

    fault: str
    sent: int
    failed: int
    may_fail: str
    slowest: float
    converged: float


def markdown(rows: list[Row]) -> str:
    """Return the table in Markdown, with the rows in this order."""
    lines = [
        "| fault | requests | failed | may fail | slowest (s) | converged after (s) |",
        "| --- | ---: | ---: | --- | ---: | ---: |",
    ]
    for row in rows:
        lines.append(
            f"| {row.fault} | {row.sent} | {row.failed} | {row.may_fail} | {row.slowest:.2f} "
            f"| {row.converged:.2f} |"
        )
    return "\n".join(lines)
