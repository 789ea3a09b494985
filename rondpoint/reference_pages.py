"""Reference pages that people write, with blocks in them that are made from the code.

A block stands between `<!-- NAME -->` and `<!-- /NAME -->`, each on a line of its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_BLOCK = re.compile(r"^<!-- ([a-z0-9-]+) -->\n(.*?)^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
_CLAUSE = re.compile(r"(.+?)(?:[.:;]?\n|[:;.] |\.?\Z)", re.DOTALL)


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with these blocks in place of its own; ValueError unless it has exactly these, once each."""
    named = sorted(found[1] for found in _BLOCK.finditer(page))
    if named != sorted(blocks):
        raise ValueError(f"the page has the blocks {named}, and is to have {sorted(blocks)}")
    return _BLOCK.sub(lambda found: f"<!-- {found[1]} -->\n{blocks[found[1]]}\n<!-- /{found[1]} -->", page)


def refill(blocks: Mapping[str, str]) -> None:
    """Write the blocks into the page that the first argument of the command names."""
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text(), blocks))


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown, with a blank line on both sides."""
    titles = tuple(heads)
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n" + "".join(
        f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|\n" for cells in lines
    )


def first_clause(documented: object) -> str:
    """What a reader's docstring begins with, up to a stop: `a whole number`, for a cell of a table.

    ValueError where there is none.
    """
    found = _CLAUSE.match(documented.__doc__ or "")
    if found is None:
        raise ValueError(f"{documented!r} does not say what it reads")
    return f"{found[1][0].lower()}{found[1][1:]}".replace("|", "\\|")


def shown_default(default: object) -> str:
    """A default in the spelling of labels and files; empty for what is not there."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}s`" if default else "`0`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`" if default else ""
    return f"`{default}`" if default not in (None, "", {}) else ""
