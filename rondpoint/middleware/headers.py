"""The headers of a message: names regardless of case, in order, with repeated names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from rondpoint.middlewares.framing_headers import refuse_framing_headers

_LINE = re.compile(rb"\r\n([^:\r\n]+):[ \t]*([^\r\n]*)")
# RFC 9110 §5.6.2.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 §5.5: a value that could end its line would let the rest of it become lines of its own.
_VALUE = re.compile(rb"[\t -~\x80-\xff]*")

Items = Mapping[str, str] | Iterable[tuple[str, str]]


class Headers:
    """Header lines as pairs of name and value.

    Names are compared regardless of case. Values are text in UTF-8; other bytes of a client or server survive
    unchanged. Names that frame messages (`Content-Length`, `Transfer-Encoding`, `Connection` …) can be read,
    but not changed: the proxy writes them. Changes raise ValueError for what no header line may contain.
    """

    __slots__ = ("_items", "_lines", "changed")

    def __init__(self, items: Items = ()) -> None:
        """Take pairs of name and value. Raises ValueError."""
        self._lines = b""
        self._items: list[tuple[str, str]] | None = []
        self.changed = False
        for name, value in items.items() if isinstance(items, Mapping) else items:
            self.add(name, value)

    @classmethod
    def from_lines(cls, lines: bytes) -> Self:
        """Return the headers in these lines, each of which begins with CRLF; they are parsed when needed."""
        headers = cls.__new__(cls)
        headers._lines = lines
        headers._items = None
        headers.changed = False
        return headers

    def to_lines(self) -> bytes:
        """Return the header lines, each with a leading CRLF."""
        if not self.changed and self._items is None:
            return self._lines
        return b"".join(b"\r\n%b: %b" % (_encode(name), _encode(value)) for name, value in self.items())

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a header, or `default`."""
        wanted = name.lower()
        for key, value in self._parsed():
            if key.lower() == wanted:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """Return the values of all lines of this name, in order."""
        wanted = name.lower()
        return [value for key, value in self._parsed() if key.lower() == wanted]

    def items(self) -> list[tuple[str, str]]:
        """Return all lines as pairs of name and value, in order."""
        return list(self._parsed())

    def add(self, name: str, value: str) -> None:
        """Add a line, after others of the same name. Raises ValueError."""
        _check(name, value)
        self._parsed().append((name, value))
        self.changed = True

    def __getitem__(self, name: str) -> str:
        """Return the first value of a header. Raises KeyError if there is none."""
        for value in self.get_all(name):
            return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        """Set a header to one line, in place of all lines of this name. Raises ValueError."""
        _check(name, value)
        self._items = [*self._without(name), (name, value)]
        self.changed = True

    def __delitem__(self, name: str) -> None:
        """Remove all lines of this name; no such line is no error. Raises ValueError."""
        refuse_framing_headers((name,))
        self._items = self._without(name)
        self.changed = True

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def __len__(self) -> int:
        return len(self._parsed())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items() == other.items()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"

    def _parsed(self) -> list[tuple[str, str]]:
        items = self._items
        if items is None:
            items = self._items = [
                (_decode(name), _decode(value.rstrip(b" \t"))) for name, value in _LINE.findall(self._lines)
            ]
        return items

    def _without(self, name: str) -> list[tuple[str, str]]:
        wanted = name.lower()
        return [item for item in self._parsed() if item[0].lower() != wanted]


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    refuse_framing_headers((name,))
    if not _VALUE.fullmatch(_encode(value)):
        raise ValueError(f"the value of header {name} contains a control character")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
