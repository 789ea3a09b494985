"""The error in the text of a dynamic configuration."""

from __future__ import annotations


class FileSyntaxError(ValueError):
    """Text that is not YAML or TOML; `line` and `column` count from 1, and are 0 if unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
