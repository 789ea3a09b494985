"""Reference pages that people write, with blocks in them that are made from the code.

A block stands between `<!-- NAME -->` and `<!-- /NAME -->`, each on a line of its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_BLOCK = re.compile(r"^<!-- ([a-z0-9-]+) -->\n(.*?)^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)


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
