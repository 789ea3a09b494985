"""Splits lists into pages for the dashboard; out-of-range page numbers select the nearest page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

PER_PAGE = 25
LARGEST = 100
"""Maximum number of rows on a page."""


class ListPage(Struct, Generic[T], frozen=True):
    """One page of a list; `page`, `first` and `last` (positions of items) count from 1."""

    items: Sequence[T]
    page: int
    pages: int
    first: int
    last: int
    total: int


def build_list_page(items: Sequence[T], query: Mapping[str, str]) -> ListPage[T]:
    """Return the page that `page` and `per_page` select; invalid values select the first page."""
    per_page = min(_number(query, "per_page", PER_PAGE), LARGEST)
    pages = max(1, -(-len(items) // per_page))
    page = min(_number(query, "page", 1), pages)
    start = (page - 1) * per_page
    shown = items[start : start + per_page]
    return ListPage(shown, page, pages, start + 1 if shown else 0, start + len(shown), len(items))


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    raw = query.get(name, "")
    return int(raw) if raw.isascii() and raw.isdigit() and 0 < len(raw) < 9 and int(raw) else default
