"""Decides whether a request may be sent to a server again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.methods import IDEMPOTENT_METHODS

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request


def is_repeatable(downstream: Downstream, request: Request, body: RequestBody | None) -> bool:
    """Return whether the request may be sent again although a server may have run it (RFC 9110 §9.2.2)."""
    if body is not None and not body.repeatable:
        return False
    if request.method in IDEMPOTENT_METHODS:
        return True
    extras = downstream.extras
    return extras is not None and extras.retrying is not None and extras.retrying.any_method
