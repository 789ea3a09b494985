"""Request header values as metric labels (`metrics.prometheus.headerLabels`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from proxy.telemetry.escaping import as_text
from proxy.telemetry.label_sets import OTHER

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.label_sets import LabelSets

MAX_VALUE_BYTES = 1024
"""Largest header value in bytes that becomes a label: the store and `/metrics` repeat it for each router."""

MAX_CACHED = 500
"""Sets of header lines whose values are cached."""


class HeaderLabels:
    """Finds the label values of a request; `headers` maps labels to header names.

    A missing header has an empty value.
    """

    def __init__(self, headers: Mapping[str, str], label_sets: LabelSets) -> None:
        self._label_sets = label_sets
        self._patterns = tuple(
            None
            if header.lower() == "host"
            else re.compile(rb"\r\n(?i:%b):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)" % re.escape(header.encode()))
            for header in headers.values()
        )
        self._cache: dict[tuple[bytes, bytes], tuple[str, ...]] = {}

    def kind(self, request: Request) -> int:
        """Return the request's kind combined with its label values."""
        key = (request.headers, request.host)
        values = self._cache.get(key)
        if values is None:
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            values = self._cache[key] = tuple(self._value(pattern, request) for pattern in self._patterns)
        return self._label_sets.labelled_kind(request.kind, values)

    @staticmethod
    def _value(pattern: re.Pattern[bytes] | None, request: Request) -> str:
        if pattern is None:
            return as_text(request.host)
        found = pattern.search(request.headers)
        if found is None:
            return ""
        return as_text(found[1]) if len(found[1]) <= MAX_VALUE_BYTES else OTHER
