"""The kinds of middleware that the proxy serves."""

from __future__ import annotations

SERVED_KINDS = frozenset(
    (
        "addPrefix",
        "chain",
        "inFlightReq",
        "replacePath",
        "replacePathRegex",
        "retry",
        "stripPrefix",
        "stripPrefixRegex",
    )
)
"""A router with a middleware of another kind answers 503."""

MAX_MIDDLEWARES = 200
"""Middlewares that a router can have, those within chains included: chains of chains multiply."""
