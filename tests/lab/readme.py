"""README's parts: its sections, and its blocks of commands."""

import re

from tests.lab.product import SOURCE

PAGE = SOURCE / "README.md"

_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def section(heading: str) -> str:
    """What stands between this heading and the next one."""
    return _sections()[heading]


def blocks() -> dict[str, list[str]]:
    """The blocks of commands by the heading they stand below, for headings that have any."""
    found = {heading: _BLOCK.findall(text) for heading, text in _sections().items()}
    return {heading: texts for heading, texts in found.items() if texts}


def _sections() -> dict[str, str]:
    # Comments of commands look like headings.
    text = PAGE.read_text()
    shaded = _BLOCK.sub(lambda block: re.sub("^#", " ", block[0], flags=re.MULTILINE), text)
    _, *parts = _HEADING.split(shaded)
    return dict(zip(parts[::2], parts[1::2], strict=True))
