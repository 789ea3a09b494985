"""Types for the values of settings that describe requests over HTTP: URLs and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from rondpoint.settings.declaration import Parse
from rondpoint.settings.values import parse_text

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def parse_http_url(value: object, example: str) -> str:
    """Return a URL with `http` or `https` and a host. Raises ValueError, which names the example."""
    url = parse_text(value).strip()
    if not is_http_url(url):
        raise ValueError(f"expected a URL such as {example}")
    return url


def is_http_url(text: str) -> bool:
    """Return whether a text is a URL with `http` or `https` and a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def public_url(url: str) -> str:
    """Return a URL without its credentials and its query, which may hold a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def parse_texts_by_name(value: object) -> Mapping[str, str]:
    """Return a table of texts. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("expected names, each with a text")  # noqa: TRY004 - a fault of the user
    return {str(name): parse_text(text) for name, text in value.items()}


def _parse_headers(value: object) -> Mapping[str, str]:
    headers = parse_texts_by_name(value)
    for name, text in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
            raise ValueError(f"{name!r} is not the name of a header with a value in one line")
    return headers


TextsByName = Annotated[Mapping[str, str], Parse(parse_texts_by_name)]
HeadersByName = Annotated[Mapping[str, str], Parse(_parse_headers)]
