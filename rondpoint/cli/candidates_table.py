"""The table of the routers that were tried, in explanations of requests and of connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rondpoint.cli.table import format_table
from rondpoint.explaining.explanation import Candidate


def format_candidates(candidates: Sequence[Candidate], omitted: int) -> Iterator[str]:
    """Yield the lines of the table, if there are candidates; `omitted` counts those that are not listed."""
    if omitted:
        yield f"{omitted} more routers of higher priority do not match"
    if candidates:
        rows = [
            (candidate.router, str(candidate.priority), candidate.rule, _format_result(candidate.failed))
            for candidate in candidates
        ]
        yield from format_table(("ROUTER", "PRIORITY", "RULE", ""), rows)


def _format_result(failed: tuple[str, ...]) -> str:
    return f"no match: {', '.join(failed)}" if failed else "matches"
