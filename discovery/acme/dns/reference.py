"""Generates the table of `docs/reference/dns-providers.md`.

`python -m discovery.acme.dns.reference docs/reference/dns-providers.md` updates that page.
"""

from __future__ import annotations

from collections.abc import Mapping

from discovery.acme.dns.providers.lexicon_rows import ROWS, Credentials, Option, Row
from rondpoint.reference_pages import markdown_table, update_page


def blocks() -> Mapping[str, str]:
    """Return the generated blocks of the page, by name."""
    heads = ("provider", "variables", "`PREFIX`", "propagation", "polling", "TTL", "HTTP", "notes")
    return {"lexicon": markdown_table(heads, (_cells(row) for row in ROWS))}


def _cells(row: Row) -> tuple[str, ...]:
    timing = row.timing
    times = (timing.propagation_timeout, timing.polling_interval, timing.ttl, timing.http_timeout)
    return (
        ", ".join(f"`{name}`" for name in row.names),
        ";<br>or ".join(filter(None, map(_credentials, row.credentials))),
        f"`{row.prefix}`",
        *(f"{seconds:g}" for seconds in times),
        "; ".join(filter(None, (row.note, _refused(row)))),
    )


def _credentials(credentials: Credentials) -> str:
    # One variable may give two options.
    return ", ".join(dict.fromkeys(map(_variables, credentials)))


def _variables(option: Option) -> str:
    named = " or ".join(f"`{variable}`" for variable in option.variables)
    return f"{named} (optional)" if option.optional else named


def _refused(row: Row) -> str:
    return f"not supported: {', '.join(f'`{variable}`' for variable in row.refused)}" if row.refused else ""


if __name__ == "__main__":
    update_page(blocks())
