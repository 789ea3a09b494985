"""The kinds of middleware that the proxy serves, and the limit of middlewares per router."""

from __future__ import annotations

SERVED_KINDS = frozenset(
    (
        "addPrefix",
        "basicAuth",
        "buffering",
        "chain",
        "circuitBreaker",
        "contentType",
        "encodedCharacters",
        "errors",
        "compress",
        "digestAuth",
        "forwardAuth",
        "grpcWeb",
        "headers",
        "inFlightReq",
        "ipAllowList",
        "ipWhiteList",
        "passTLSClientCert",
        "plugin",
        "rateLimit",
        "redirectEntryPoint",
        "redirectRegex",
        "redirectScheme",
        "replacePath",
        "replacePathRegex",
        "requestHeaderModifier",
        "requestRedirect",
        "responseHeaderModifier",
        "retry",
        "stripPrefix",
        "stripPrefixRegex",
        "timeouts",
        "urlRewrite",
    )
)
"""A router with a middleware of another kind responds 503."""

MAX_MIDDLEWARES = 200
"""Middlewares that a router can have, including those within chains, because nested chains multiply."""
