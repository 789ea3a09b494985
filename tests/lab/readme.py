"""Reads sections and blocks of commands from the README."""

import re

from tests.lab.product import SOURCE

PAGE = SOURCE / "README.md"

_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def section(heading: str) -> str:
    """Return the text between this heading and the next one."""
    return _sections()[heading]


def blocks() -> dict[str, list[str]]:
    """Return the blocks of commands by their heading."""
    found = {heading: _BLOCK.findall(text) for heading, text in _sections().items()}
    return {heading: texts for heading, texts in found.items() if texts}


def _sections() -> dict[str, str]:
    # Comments in blocks of commands look like headings.
    text = PAGE.read_text()
    masked = _BLOCK.sub(lambda block: re.sub("^#", " ", block[0], flags=re.MULTILINE), text)
    _, *pieces = _HEADING.split(masked)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))
