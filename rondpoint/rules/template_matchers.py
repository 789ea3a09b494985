"""The matchers of Traefik 1 and 2, whose values may be templates such as `/users/{id:[0-9]+}`.

The functions raise MatcherValueError.
"""

from __future__ import annotations

from rondpoint.rules.expression import Expression, Keyed, Match
from rondpoint.rules.matchers import MatcherValueError, header_name, path, pattern
from rondpoint.rules.templates import TemplateError, has_variables, to_expression


def segments_pattern(value: str) -> str:
    """Return the regular expression for a template of a path, without anchors."""
    return _expression(value, "[^/]+")


def host_pattern(value: str) -> Expression:
    """Return the expression for a template of a host."""
    return Match("HostRegexp", (pattern(f"(?i)^{_expression(value, '[^.]+')}$"),))


def path_or_pattern(value: str) -> Expression:
    """Return the expression for a path or a template of one."""
    if has_variables(value):
        return Match("PathRegexp", (pattern(f"^{segments_pattern(_rooted(value))}$"),))
    return Match("Path", (path(value),))


def prefix_or_pattern(value: str) -> Expression:
    """Return the expression for a path prefix or a template of one."""
    if has_variables(value):
        return Match("PathRegexp", (pattern(f"^{segments_pattern(_rooted(value))}"),))
    return Match("PathPrefix", (path(value),))


def header(name: str, value: str) -> Expression:
    """Return the expression for a header with this value."""
    return Keyed("Header", header_name(name), (value,))


def header_pattern(name: str, value: str) -> Expression:
    """Return the expression for a header whose value matches a regular expression."""
    return Keyed("HeaderRegexp", header_name(name), (pattern(value),))


def query(name: str, value: str) -> Expression:
    """Return the expression for a query parameter; an empty `value` stands for any value."""
    if not value:
        return Keyed("QueryRegexp", name, ("",))
    if has_variables(value):
        return Keyed("QueryRegexp", name, (pattern(f"^{_expression(value, '.*')}$"),))
    return Keyed("Query", name, (value,))


def _expression(value: str, segment: str) -> str:
    try:
        return to_expression(value, segment)
    except TemplateError as fault:
        raise MatcherValueError(str(fault), "expected {name:expression} or {name}") from None


def _rooted(value: str) -> str:
    if not value.startswith("/"):
        raise MatcherValueError(f"path {value!r} does not start with /", f"write /{value}")
    return value
