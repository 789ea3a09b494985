"""Readers that convert option values in files and labels to canonical values for JSON.

Canonical values are texts, numbers, booleans, lists of texts, and mappings of text; durations are seconds as
floats. Each reader raises ValueError with the expected value, as a hint. The first clause of a reader's
docstring describes its values in the reference page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from urllib.parse import urlsplit

from rondpoint.middlewares.condition import ExpressionError
from rondpoint.middlewares.framing_headers import refuse_framing_headers
from rondpoint.rules.patterns import PatternError, compile_pattern
from rondpoint.settings.values import parse_count, parse_duration, parse_switch, parse_text

_STATUSES = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?\Z", re.ASCII)

_REDIRECTION_STATUSES = frozenset((301, 302, 303, 307, 308))

# RFC 3986 §3.1.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")


def switch(value: object) -> bool:
    """True or false."""
    return parse_switch(value)


def seconds(value: object) -> float:
    """A duration."""
    return parse_duration(value)


def whole(value: object) -> int:
    """A whole number."""
    return parse_count(value)


def text(value: object) -> str:
    """Text."""
    return parse_text(value)


def given_text(value: object) -> str:
    """Text that is not empty."""
    found = parse_text(value).strip()
    if not found:
        raise ValueError("expected text, not nothing")
    return found


def scheme(value: object) -> str:
    """A URL scheme such as `https`."""
    found = given_text(value)
    if not _SCHEME.match(found):
        raise ValueError("expected a scheme such as https, without ://")
    return found


def optional_port(value: object) -> str:
    """A port number, or nothing."""
    found = parse_text(value).strip()
    if found and not (found.isascii() and found.isdigit() and 0 < int(found) < 65536):
        raise ValueError("expected a port number from 1 to 65535")
    return found


def amount(value: object) -> int:
    """A whole number, 0 or more."""
    number = parse_count(value)
    if number < 0:
        raise ValueError("expected a whole number, 0 or more")
    return number


def between(low: int, high: int) -> Callable[[object], int]:
    """Return a reader for whole numbers in a range, both ends included."""

    def read(value: object) -> int:
        number = parse_count(value)
        if not low <= number <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return number

    read.__doc__ = f"A whole number from {low} to {high}."
    return read


status = between(100, 599)


def redirection_status(value: object) -> int:
    """301, 302, 303, 307 or 308."""
    number = parse_count(value)
    if number not in _REDIRECTION_STATUSES:
        raise ValueError("expected 301, 302, 303, 307 or 308")
    return number


def texts(value: object) -> list[str]:
    """A list, or one text with commas between its items; empty items are dropped."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("expected a list of texts")  # noqa: TRY004 - what a user wrote is a value to us
    trimmed = (parse_text(item).strip() for item in items)
    return [item for item in trimmed if item]


def some_texts(value: object) -> list[str]:
    """A list with at least one text."""
    found = texts(value)
    if not found:
        raise ValueError("expected at least one text")
    return found


def expression(value: object) -> str:
    """A regular expression that RE2 accepts."""
    found = given_text(value)
    _check_expression(found)
    return found


def expressions(value: object) -> list[str]:
    """A list with at least one regular expression that RE2 accepts, or one text with commas between them."""
    found = some_texts(value)
    for item in found:
        try:
            _check_expression(item)
        except ValueError as error:
            if isinstance(value, str) and "," in value:
                raise ValueError(
                    f"{error}; a comma separates expressions, unless each has a number: NAME[0]"
                ) from None
            raise
    return found


def _check_expression(text: str) -> None:
    try:
        compile_pattern(text)
    except PatternError as error:
        raise ValueError(f"expected a regular expression of RE2: {error}") from None


def breaker_expression(value: object) -> str:
    """A condition such as `NetworkErrorRatio() > 0.5`."""
    from rondpoint.middlewares.breaker_parser import parse_breaker_expression  # noqa: PLC0415 (see there)

    found = given_text(value)
    try:
        parse_breaker_expression(found)
    except ExpressionError as error:
        raise ValueError(f"expected a condition such as NetworkErrorRatio() > 0.5: {error}") from None
    return found


def retry_expression(value: object) -> str:
    """A condition such as `IsNetworkError() && Attempts() < 3`, or nothing."""
    from rondpoint.middlewares.retry_parser import parse_retry_expression  # noqa: PLC0415 (see there)

    found = parse_text(value).strip()
    try:
        if found:
            parse_retry_expression(found)
    except ExpressionError as error:
        raise ValueError(
            f"expected a condition such as IsNetworkError() && Attempts() < 3: {error}"
        ) from None
    return found


def statuses(value: object) -> list[str]:
    """A list of status codes and ranges such as `404`, `500-599`."""
    found = some_texts(value)
    for item in found:
        matched = _STATUSES.match(item)
        if matched is None or int(matched[1]) > int(matched[2] or matched[1]):
            raise ValueError("expected status codes such as 404 or ranges such as 500-599")
    return found


def networks(value: object) -> list[str]:
    """A list of addresses and networks, at least one: `10.0.0.1/8` is `10.0.0.0/8`, `::1` is `::1/128`."""
    found = some_texts(value)
    try:
        return [str(ip_network(item, strict=False)) for item in found]
    except ValueError:
        raise ValueError(
            "expected addresses or networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8"
        ) from None


def users(parts: int) -> Callable[[object], list[str]]:
    """Return a reader for lists of `NAME:HASH` (2 parts) or `NAME:REALM:HASH` (3)."""
    form = "NAME:HASH" if parts == 2 else "NAME:REALM:HASH"

    def read(value: object) -> list[str]:
        found = some_texts(value)
        for item in found:
            pieces = item.split(":", parts - 1)
            if len(pieces) != parts or not all(pieces):
                raise ValueError(f"expected users as {form}")
        return found

    read.__doc__ = f"A list of users, as `{form}`."
    return read


def web_address(value: object) -> str:
    """A URL with `http` or `https` and a host."""
    found = given_text(value)
    expected = "expected a URL such as http://auth.example:9000/verify"
    try:
        parts = urlsplit(found)
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError(expected)
    return found


def text_by_name(value: object) -> dict[str, str]:
    """Texts by name; an empty text removes a header."""
    return {name: parse_text(item) for name, item in _mapping(value).items()}


def headers(value: object) -> dict[str, str]:
    """Values of headers by name; names that frame messages are refused."""
    found = text_by_name(value)
    refuse_framing_headers(found)
    return found


def status_by_name(value: object) -> dict[str, int]:
    """Status codes by the codes or ranges that they replace."""
    return {statuses([name])[0]: status(item) for name, item in _mapping(value).items()}


def anything(value: object) -> object:
    """Any options: the proxy checks those of a Python middleware."""
    return value


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("expected names with values below it")  # noqa: TRY004 - as above
    return {str(name): item for name, item in value.items()}
