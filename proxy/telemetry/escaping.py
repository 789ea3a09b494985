"""What a client has sent, as text that cannot end the line or the field in which it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 256))},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
_PLAIN = bytes(code for code in range(32, 127) if code not in b'"\\')


def escaped(value: bytes) -> str:
    """Text that can stand between quotes: quotes, backslashes, control and non-ASCII bytes are escaped."""
    text = value.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def escaped_name(name: str) -> str:
    """Likewise for what a configuration has named; letters of any language stay as they are."""
    if name.isprintable() and '"' not in name and "\\" not in name:
        return name
    return "".join(
        f"\\{each}" if each in '"\\' else each if each.isprintable() else ascii(each)[1:-1] for each in name
    )


def plain(values: Iterable[bytes]) -> bool:
    """Whether nothing in them has to be escaped, looked at together since that is nearly always so."""
    return not b"".join(values).translate(None, _PLAIN)


def all_escaped(values: Sequence[bytes], escape: Callable[[bytes], str]) -> list[str]:
    """Each value, at least one, as `escape` makes it, which is to leave plain ones as they are.

    Those of one client who sends others are escaped at the price of those around them.
    """
    if plain(values):
        return b"\n".join(values).decode("ascii").split("\n")
    return [escape(value) for value in values]


def as_text(value: bytes) -> str:
    """Text for a form that escapes by itself."""
    return value.decode("utf-8", "backslashreplace")
