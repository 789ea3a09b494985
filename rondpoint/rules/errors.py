"""What is wrong with a rule, and where."""

from __future__ import annotations

_AROUND = 60


class RuleError(ValueError):
    """A rule that cannot be read, or that asks for what is not served.

    `text` is the rule as written, `position` the offset of the fault in it (None when it lies in the
    whole), `message` one line without the text, `hint` what would be right, possibly empty.
    `str()` adds the text with a caret under the fault.
    """

    def __init__(self, text: str, message: str, position: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.text = text
        self.message = message
        self.position = position
        self.hint = hint

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.message}{hint}\n{self.excerpt}"

    @property
    def excerpt(self) -> str:
        """The text, as two lines with a caret under the fault where that has a place."""
        if self.position is None:
            return f"  {_on_one_line(self.text[: 2 * _AROUND])}"
        start = max(0, self.position - _AROUND)
        excerpt = self.text[start : self.position + _AROUND]
        lead = "…" if start else ""
        caret = " " * (len(lead) + self.position - start) + "^"
        return f"  {lead}{_on_one_line(excerpt)}\n  {caret}"


def _on_one_line(text: str) -> str:
    """The same number of characters, none of which would move the caret away from its place."""
    return "".join(character if character.isprintable() else " " for character in text)
