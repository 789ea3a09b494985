"""Splits lists into pages as Traefik's API does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

PER_PAGE = 100
NEXT = "X-Next-Page"
"""The header with the number of the next page; 1 on the last page."""

LARGEST = 2**31 - 1


class PageError(ValueError):
    """The requested page does not exist, or its parameters are invalid."""


class Page(Struct, Generic[T], frozen=True):
    """The items of a page, and the number of the next page."""

    items: Sequence[T]
    next: int


def page_of(items: Sequence[T], query: Mapping[str, str]) -> Page[T]:
    """Return the page that `page` (default 1) and `per_page` (default 100) select. Raises PageError."""
    per_page = _number(query, "per_page", PER_PAGE)
    page = _number(query, "page", 1)
    start = (page - 1) * per_page
    if start and start >= len(items):
        raise PageError(f"invalid request: page: {page}, per_page: {per_page}")
    end = start + per_page
    return Page(items[start:end], page + 1 if end < len(items) else 1)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    raw = query.get(name, "")
    if not raw:
        return default
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 12 else 0
    if not 0 < number <= LARGEST:
        raise PageError(f"invalid request: {name}: {raw}")
    return number
