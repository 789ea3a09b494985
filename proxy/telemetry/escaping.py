"""Escapes client input so that it cannot end the log line or field that contains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 256))},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
_PLAIN = bytes(code for code in range(32, 127) if code not in b'"\\')


def escape(value: bytes) -> str:
    """Return text for use between quotes; escape quotes, backslashes, control and non-ASCII bytes."""
    text = value.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def escape_name(name: str) -> str:
    """Escape a name from the configuration; letters of any language stay as they are."""
    if name.isprintable() and '"' not in name and "\\" not in name:
        return name
    return "".join(
        f"\\{each}" if each in '"\\' else each if each.isprintable() else ascii(each)[1:-1] for each in name
    )


def is_plain(values: Iterable[bytes]) -> bool:
    """Return whether no value needs escaping; one check of all is fastest, and nearly always true."""
    return not b"".join(values).translate(None, _PLAIN)


def escape_all(values: Sequence[bytes], escape: Callable[[bytes], str]) -> list[str]:
    """Return each value, at least one, as `escape` returns it; `escape` must not change plain values.

    If one value needs escaping, all values of the batch pass through `escape`.
    """
    if is_plain(values):
        return b"\n".join(values).decode("ascii").split("\n")
    return [escape(value) for value in values]


def as_text(value: bytes) -> str:
    """Decode a value for a format that does its own escaping."""
    return value.decode("utf-8", "backslashreplace")
