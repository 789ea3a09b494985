"""Parses `If-Match` and `If-None-Match` (RFC 9110, section 13.1), which make changes conditional."""

from __future__ import annotations

import re

from msgspec import Struct
from werkzeug.datastructures import Headers

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"\Z', re.ASCII)


class Conditions(Struct, frozen=True):
    """The preconditions of a change, with the field names of `rondpoint.store.admin.proposals.Proposal`."""

    match: tuple[int, ...] | None = None
    present: bool = False
    absent: bool = False


def conditions(headers: Headers) -> Conditions:
    """Parse the preconditions of a request; a tag of another form matches no version."""
    if_match = headers.get("If-Match", "").strip()
    absent = headers.get("If-None-Match", "").strip() == "*"
    if not if_match:
        return Conditions(absent=absent)
    if if_match == "*":
        return Conditions(present=True, absent=absent)
    tags = (_TAG.match(part.strip()) for part in if_match.split(","))
    return Conditions(match=tuple(int(tag[1]) for tag in tags if tag is not None), absent=absent)


def tag(version: int) -> str:
    """Return the `ETag` of a version."""
    return f'"{version}"'
