"""Values of headers that are told apart where requests are counted (`metrics.prometheus.headerLabels`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from proxy.telemetry.escaping import as_text
from proxy.telemetry.label_sets import OTHER

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.label_sets import LabelSets

LONGEST = 1024
"""Bytes of a value that is told apart: it stands in the store and in `/metrics`, for each router again."""

KEPT = 500
"""Sets of header lines whose values are remembered."""


class HeaderLabels:
    """Finds the values of these headers, by label; a header that is not there has an empty one."""

    def __init__(self, headers: Mapping[str, str], label_sets: LabelSets) -> None:
        self._lanes = label_sets
        self._patterns = tuple(
            None
            if header.lower() == "host"
            else re.compile(rb"\r\n(?i:%b):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)" % re.escape(header.encode()))
            for header in headers.values()
        )
        self._kept: dict[tuple[bytes, bytes], tuple[str, ...]] = {}

    def kind(self, request: Request) -> int:
        """The request's kind, with its labels."""
        key = (request.headers, request.host)
        values = self._kept.get(key)
        if values is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            values = self._kept[key] = tuple(self._value(pattern, request) for pattern in self._patterns)
        return self._lanes.labelled(request.kind, values)

    @staticmethod
    def _value(pattern: re.Pattern[bytes] | None, request: Request) -> str:
        if pattern is None:
            return as_text(request.host)
        found = pattern.search(request.headers)
        if found is None:
            return ""
        return as_text(found[1]) if len(found[1]) <= LONGEST else OTHER
