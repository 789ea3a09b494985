"""Turns the matches of HTTPRoutes and GRPCRoutes into rules, with what decides which one comes first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes_gateway.hostnames import ServedHost, host_rule
from rondpoint.rules.quoted import quote

_MAX_HOST, _MAX_PATH, _MAX_FIELDS, _MAX_RULES = 254, 1025, 17, 16
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_MAX_AGE = 1 << 29
"""Seconds from _EPOCH, 17 years: older routes come first, and the number must fit into 63 bits."""


class Match(Struct, frozen=True):
    """A rule without its host, and what it demands: the more, the earlier it comes.

    `path` is the path or prefix; `prefix` is what a filter may replace of it.
    """

    rule: str
    path: str = ""
    is_exact: bool = False
    has_method: bool = False
    headers: int = 0
    parameters: int = 0
    prefix: str = "/"

    def with_host(self, host: ServedHost) -> str:
        """Return the rule for requests of a host."""
        without = (f"!{host_rule(other)}" for other in host.others)
        return " && ".join(filter(None, (host_rule(host.name), *without, self.rule)))


class UnsupportedMatchError(Exception):
    """A match that cannot be served; without it, its rule would take other requests than it is meant for."""


def http_matches(rule: Mapping[str, Any]) -> Iterator[Match]:
    """Yield the matches of an HTTPRoute's rule. Raises UnsupportedMatchError."""
    for match in _written_matches(rule):
        path = match.get("path") or {}
        kind, value = path.get("type") or "PathPrefix", str(path.get("value") or "/")
        parts, counts = [_path_rule(kind, value)], {"headers": 0, "queryParams": 0}
        if match.get("method"):
            parts.append(f"Method({quote(str(match['method']))})")
        for field, matcher in (("headers", "Header"), ("queryParams", "Query")):
            for each in match.get(field) or ():
                parts.append(_field_rule(matcher, each))
                counts[field] += 1
        yield Match(
            " && ".join(parts),
            value if kind != "PathPrefix" else value.rstrip("/"),
            is_exact=kind == "Exact",
            has_method=bool(match.get("method")),
            headers=counts["headers"],
            parameters=counts["queryParams"],
            prefix=value if kind == "PathPrefix" else "/",
        )


def grpc_matches(rule: Mapping[str, Any]) -> Iterator[Match]:
    """Yield the matches of a GRPCRoute's rule. Raises UnsupportedMatchError."""
    for match in _written_matches(rule):
        method = match.get("method") or {}
        service, name = str(method.get("service") or ""), str(method.get("method") or "")
        headers = [_field_rule("Header", each) for each in match.get("headers") or ()]
        parts = [_method_rule(str(method.get("type") or "Exact"), service, name), *headers]
        # A longer service, then a longer method, comes first; the path stands for both.
        yield Match(
            " && ".join(parts),
            f"/{service}/{name}" if service or name else "/",
            is_exact=bool(service and name),
            headers=len(headers),
        )


def _written_matches(rule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the matches of a rule; one without any takes every request."""
    return rule.get("matches") or ({},)


def priority(match: Match, hostname: str, route: Object, rule_number: int) -> int:
    """Return the priority of a match, by the precedence that the Gateway API demands.

    A hostname without wildcard comes first, then the longer one; an exact path, then the longer prefix; a
    match with a method; more headers; more query parameters; the older route; the rule that stands first.
    """
    exact_host = bool(hostname) and not hostname.startswith("*.")
    found = (exact_host * _MAX_HOST) + min(len(hostname), _MAX_HOST - 1)
    found = found * 2 * _MAX_PATH + match.is_exact * _MAX_PATH + min(len(match.path), _MAX_PATH - 1)
    found = found * 2 + match.has_method
    for count in (match.headers, match.parameters):
        found = found * _MAX_FIELDS + min(count, _MAX_FIELDS - 1)
    found = found * _MAX_AGE + _MAX_AGE - 1 - _created_at(route)
    return found * _MAX_RULES + max(_MAX_RULES - 1 - rule_number, 0)


def priority_of_all(route: Object) -> int:
    """Return the priority of a TCP router for all connections: after all names, the older route first."""
    return -1 - _created_at(route)


def _created_at(route: Object) -> int:
    written = str(route["metadata"].get("creationTimestamp") or "")
    try:
        created = datetime.fromisoformat(written)
    except ValueError:
        return _MAX_AGE - 1
    if created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    return min(max(int((created - _EPOCH).total_seconds()), 0), _MAX_AGE - 1)


def _path_rule(kind: str, value: str) -> str:
    if kind == "Exact":
        return f"Path({quote(value)})"
    if kind == "RegularExpression":
        return f"PathRegexp({quote(value)})"
    if kind != "PathPrefix":
        raise UnsupportedMatchError(f"paths of type {kind} are not supported")
    # A prefix ends between two segments: /a matches /a and /a/b, not /ab.
    prefix = value.rstrip("/")
    if not prefix:
        return "PathPrefix(`/`)"
    return f"(Path({quote(prefix)}) || PathPrefix({quote(prefix + '/')}))"


def _field_rule(matcher: str, written: Mapping[str, Any]) -> str:
    kind = written.get("type") or "Exact"
    if kind not in ("Exact", "RegularExpression"):
        raise UnsupportedMatchError(f"values of type {kind} are not supported")
    name = matcher if kind == "Exact" else f"{matcher}Regexp"
    return f"{name}({quote(str(written.get('name') or ''))}, {quote(str(written.get('value') or ''))})"


def _method_rule(kind: str, service: str, method: str) -> str:
    if kind not in ("Exact", "RegularExpression"):
        raise UnsupportedMatchError(f"methods of type {kind} are not supported")
    if not service and not method:
        return "PathPrefix(`/`)"
    if kind == "Exact" and service:
        return f"Path({quote(f'/{service}/{method}')})" if method else f"PathPrefix({quote(f'/{service}/')})"
    either = (re.escape(text) if kind == "Exact" and text else text for text in (service, method))
    wanted_service, wanted_method = (text or "[^/]+" for text in either)
    return f"PathRegexp({quote(f'^/(?:{wanted_service})/(?:{wanted_method})$')})"
