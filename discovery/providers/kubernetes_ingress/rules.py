"""Makes the rule of a path of an Ingress, in the syntax of Traefik 3 or of Traefik 2."""

from __future__ import annotations

import json

EXACT = "Exact"
IMPLEMENTATION_SPECIFIC = ("", "ImplementationSpecific")
PATH_MATCHERS = ("Path", "PathPrefix", "PathRegexp")
"""The values of the annotation `router.pathmatcher`."""


def path_rule(host: str, path: str, matcher: str, *, strict_prefix: bool, syntax: str) -> str:
    """Return the rule for a host and a path; either may be empty, and without both the rule is empty."""
    parts = []
    if host:
        parts.append(_host_v2(host) if syntax == "v2" else f"Host({_quote(host)})")
    if path:
        strict = strict_prefix and matcher == "PathPrefix"
        parts.append(_strict_prefix(path) if strict else f"{matcher}({_quote(path)})")
    return " && ".join(parts)


def _host_v2(host: str) -> str:
    if host.startswith("*."):
        return f"HostRegexp({_quote('{subdomain:[a-zA-Z0-9-]+}.' + host.removeprefix('*.'))})"
    return f"Host({_quote(host)})"


def _strict_prefix(path: str) -> str:
    """Return the rule for whole elements of a path: `/a` matches `/a` and `/a/b` but not `/ab`."""
    if path == "/":
        return 'PathPrefix("/")'
    bare = path.removesuffix("/")
    return f"(Path({_quote(bare)}) || PathPrefix({_quote(bare + '/')}))"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
