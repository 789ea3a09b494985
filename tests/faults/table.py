"""The figures of a run, as the table in docs/operations.md."""

from msgspec import Struct


class Row(Struct, frozen=True):
    """One fault: what was asked meanwhile, what failed of it, and how long the state took to converge (s)."""

    fault: str
    sent: int
    failed: int
    may_fail: str
    slowest: float
    converged: float


def markdown(rows: list[Row]) -> str:
    """In the order given."""
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
