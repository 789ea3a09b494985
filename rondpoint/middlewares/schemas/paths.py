"""Schemas of middlewares that rewrite the path, redirect, or contain other middlewares."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, kind
from rondpoint.middlewares.readers import (
    expression,
    expressions,
    given_text,
    optional_port,
    scheme,
    some_texts,
    switch,
    text,
)

_PERMANENT = Option(switch, default=False)

KINDS: dict[str, Group] = {
    "addPrefix": kind({"prefix": Option(given_text, required=True)}),
    "chain": kind({"middlewares": Option(some_texts, required=True, refers=True)}, guards=True),
    # This kind is Rondpoint's own. In Traefik 3 it is only an option of an entry point.
    "redirectEntryPoint": kind(
        {"entryPoint": Option(given_text, required=True), "permanent": _PERMANENT}, guards=True
    ),
    "redirectRegex": kind(
        {
            "regex": Option(expression, required=True),
            "replacement": Option(text, required=True),
            "permanent": _PERMANENT,
        }
    ),
    "redirectScheme": kind(
        {
            "scheme": Option(scheme, required=True),
            "port": Option(optional_port, default=""),
            "permanent": _PERMANENT,
        }
    ),
    "replacePath": kind({"path": Option(given_text, required=True)}),
    "replacePathRegex": kind(
        {"regex": Option(expression, required=True), "replacement": Option(text, default="")}
    ),
    "stripPrefix": kind(
        {"prefixes": Option(some_texts, required=True), "forceSlash": Option(switch, default=True)}
    ),
    "stripPrefixRegex": kind({"regex": Option(expressions, required=True)}),
}
