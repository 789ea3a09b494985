"""Updates the generated blocks in hand-written reference pages.

A block is between `<!-- NAME -->` and `<!-- /NAME -->`, each on its own line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_BLOCK = re.compile(r"^<!-- ([a-z0-9-]+) -->\n(.*?)^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
_CLAUSE = re.compile(r"(.+?)(?:[.:;]?\n|[:;.] |\.?\Z)", re.DOTALL)


def fill_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """Return the page with these blocks. Raises ValueError unless it contains each of them exactly once."""
    named = sorted(found[1] for found in _BLOCK.finditer(page))
    if named != sorted(blocks):
        raise ValueError(f"the page has the blocks {named}, expected {sorted(blocks)}")
    return _BLOCK.sub(lambda found: f"<!-- {found[1]} -->\n{blocks[found[1]]}\n<!-- /{found[1]} -->", page)


def update_page(blocks: Mapping[str, str]) -> None:
    """Write the blocks into the page named by the first argument of the command."""
    path = Path(sys.argv[1])
    path.write_text(fill_blocks(path.read_text(), blocks))


def markdown_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table with a blank line before and after it."""
    titles = tuple(heads)
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n" + "".join(
        f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|\n" for cells in lines
    )


def first_clause(documented: object) -> str:
    """Return the first clause of a reader's docstring, such as `a whole number`, for a cell of a table.

    Raises ValueError if there is no docstring.
    """
    found = _CLAUSE.match(documented.__doc__ or "")
    if found is None:
        raise ValueError(f"{documented!r} has no docstring that says what it reads")
    return f"{found[1][0].lower()}{found[1][1:]}".replace("|", "\\|")


def format_default(default: object) -> str:
    """Return a default as labels and files spell it; empty if there is none."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}s`" if default else "`0`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`" if default else ""
    return f"`{default}`" if default not in (None, "", {}) else ""
