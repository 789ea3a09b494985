"""The exception for contents of an option that cannot be used."""

from __future__ import annotations


class ContentsError(ValueError):
    """The contents of a file, or a PEM text, cannot be used.

    `option` is the one at fault and the subject of the message; `hint` says what mends it. No text contains
    anything of a key.
    """

    def __init__(self, option: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.option = option
        self.hint = hint
