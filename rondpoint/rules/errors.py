"""The error for an invalid rule, with the position of the error."""

from __future__ import annotations

_CONTEXT = 60


class RuleError(ValueError):
    """A rule that is invalid, or that needs something that is not served.

    `text` is the rule as written, `position` the offset of the error in it (None if the whole rule is
    wrong), `message` one line without the text, `hint` what would be right, possibly empty.
    `has_other_matchers`: a matcher is unknown or has the wrong number of values, so the rule may be in the
    syntax of another version.
    `str()` adds the text with a caret under the error.
    """

    def __init__(
        self,
        text: str,
        message: str,
        position: int | None = None,
        hint: str = "",
        *,
        has_other_matchers: bool = False,
    ) -> None:
        super().__init__(message)
        self.text = text
        self.message = message
        self.position = position
        self.hint = hint
        self.has_other_matchers = has_other_matchers

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.message}{hint}\n{self.excerpt}"

    @property
    def excerpt(self) -> str:
        """The text and, if the error has a position, a second line with a caret under it."""
        if self.position is None:
            return f"  {_on_one_line(self.text[: 2 * _CONTEXT])}"
        start = max(0, self.position - _CONTEXT)
        excerpt = self.text[start : self.position + _CONTEXT]
        lead = "…" if start else ""
        caret = " " * (len(lead) + self.position - start) + "^"
        return f"  {lead}{_on_one_line(excerpt)}\n  {caret}"


def _on_one_line(text: str) -> str:
    """Replace control characters by spaces, so that the caret stays under the right character."""
    return "".join(character if character.isprintable() else " " for character in text)
