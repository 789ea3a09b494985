"""What a client has sent, as text that cannot end the line or the field in which it stands."""

from __future__ import annotations

_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 256))},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


def escaped(value: bytes) -> str:
    """Text that can stand between quotes: quotes, backslashes, control and non-ASCII bytes are escaped."""
    text = value.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def as_text(value: bytes) -> str:
    """Text for a form that escapes by itself."""
    return value.decode("utf-8", "backslashreplace")
