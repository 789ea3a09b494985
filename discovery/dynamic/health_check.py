"""Decodes the active and passive health checks of a service: `healthCheck` and `passiveHealthCheck`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.middlewares.readers import between, seconds, whole
from rondpoint.model import HealthCheck, PassiveHealthCheck

SHORTEST_INTERVAL = "100ms"
"""A shorter interval would load a server with health checks."""

SHORTEST_TIMEOUT = "10ms"
"""With a shorter timeout, no server would be healthy."""

SHORTEST_WINDOW = "100ms"
"""A server that is ejected for less time would hardly miss a request."""

# RFC 9110 §5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


def read_health_check(balancer: Section) -> HealthCheck | None:
    """Read `healthCheck`, or return None if there is none; report invalid values and use their defaults."""
    section = balancer.section("healthCheck")
    if section is None:
        return None
    unhealthy = section.read("unhealthyInterval", positive_duration, None)
    health_check = HealthCheck(
        path=section.read("path", path, ""),
        scheme=section.read("scheme", values.scheme, ""),
        mode=section.read("mode", values.one_of(("http", "grpc")), "http"),
        hostname=section.read("hostname", hostname, ""),
        port=section.read("port", values.port, 0),
        interval=enforce_minimum(
            SHORTEST_INTERVAL, section, "interval", section.read("interval", positive_duration, 30.0)
        ),
        unhealthy_interval=unhealthy
        and enforce_minimum(SHORTEST_INTERVAL, section, "unhealthyInterval", unhealthy),
        timeout=enforce_minimum(
            SHORTEST_TIMEOUT, section, "timeout", section.read("timeout", positive_duration, 5.0)
        ),
        headers=_read_headers(section),
        method=section.read("method", method, "GET"),
        status=section.read("status", between(100, 599), 0),
        follow_redirects=section.read("followRedirects", values.boolean, True),
    )
    section.finish()
    report = section.report
    if section.has("path") and not health_check.path:
        report.warning(f"{report.at(section.path)} has no effect", "give a valid path")
        return None
    return health_check


def read_passive_health_check(balancer: Section) -> PassiveHealthCheck | None:
    """Read `passiveHealthCheck`, or return None if there is none; report invalid values."""
    section = balancer.section("passiveHealthCheck")
    if section is None:
        return None
    window = section.read("failureWindow", positive_duration, 10.0)
    attempts = section.read("maxFailedAttempts", at_least_one, 1)
    section.finish()
    return PassiveHealthCheck(enforce_minimum(SHORTEST_WINDOW, section, "failureWindow", window), attempts)


def enforce_minimum(minimum: str, section: Section, name: str, found: float) -> float:
    """Return `found`, or `minimum` with a warning if `found` is shorter."""
    least = seconds(minimum)
    if found >= least:
        return found
    report = section.report
    written = report.at(section.key(name), section.raw(name))
    report.warning(f"{written} is too short", f"{minimum}, the minimum, is used instead")
    return least


def path(value: object) -> str:
    """A path, with or without a query, that begins with a slash."""
    found = values.text(value)
    expected = "expected a path such as /health"
    if _BLANK.search(found):
        raise ValueError(f"{expected}, without blanks")
    try:
        parts = urlsplit(found)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme or parts.netloc:
        raise ValueError(f"{expected}, not a complete URL")
    return found if found.startswith("/") else f"/{found}"


def hostname(value: object) -> str:
    """A host name: the value of the Host header, with or without a port."""
    found = values.text(value)
    if _BLANK.search(found) or not found.isascii():
        raise ValueError("expected a host name")
    return found


def positive_duration(value: object) -> float:
    """A duration above 0: in seconds."""
    found = seconds(value)
    if not found:
        raise ValueError("expected a duration above 0, such as 10s")
    return found


def at_least_one(value: object) -> int:
    """A whole number, 1 or more."""
    number = whole(value)
    if number < 1:
        raise ValueError("expected a whole number, 1 or more")
    return number


def method(value: object) -> str:
    """A method's name: in upper case."""
    found = values.text(value).upper()
    if not _TOKEN.match(found):
        raise ValueError("expected a method such as GET")
    return found


def headers(value: object) -> dict[str, str]:
    """Texts by name: headers to send."""
    found = {str(name): str(content).strip() for name, content in values.texts_by_name(value).items()}
    for name, content in found.items():
        if not _TOKEN.match(name):
            raise ValueError(f"expected names of headers, not {name!r}")
        if _FORBIDDEN_IN_VALUE.search(content) or not content.isascii():
            raise ValueError(f"expected a valid header value for {name}")
    return found


def _read_headers(section: Section) -> dict[str, str]:
    nothing: dict[str, str] = {}
    return section.read("headers", headers, nothing)
