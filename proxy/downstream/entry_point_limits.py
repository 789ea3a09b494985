"""The limits for requests on one entry point, from its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.http1.limits import limits_for
from proxy.http1.request_target import TargetRules

if TYPE_CHECKING:
    from proxy.http1.limits import Limits
    from rondpoint.settings import EntryPoint


def entry_point_limits(limits: Limits, point: EntryPoint, *, trusted: bool = False) -> Limits:
    """Return the limits for clients of this entry point, or for its trusted proxies.

    `limits` apply to all entry points that set no others.
    """
    options = point.http
    return replace(
        limits_for(limits, point.underscores, trusted=trusted),
        head_bytes=options.max_header_bytes or limits.head_bytes,
        targets=TargetRules(options.sanitize_path, options.encode_query_semicolons),
    )
