"""The `healthCheck` of a service: what is asked of its servers, and how often."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.middlewares.readers import between, seconds
from rondpoint.model import HealthCheck

SHORTEST_INTERVAL = "100ms"
"""A server would be kept busy by less."""

SHORTEST_TIMEOUT = "10ms"
"""No server would be well by less."""

# RFC 9110 §5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


def read_health_check(balancer: Section) -> HealthCheck | None:
    """Its `healthCheck`; None where there is none. What cannot be read is reported, its default taken."""
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
        interval=_read_with_minimum(
            SHORTEST_INTERVAL, section, "interval", section.read("interval", positive_duration, 30.0)
        ),
        unhealthy_interval=unhealthy
        and _read_with_minimum(SHORTEST_INTERVAL, section, "unhealthyInterval", unhealthy),
        timeout=_read_with_minimum(
            SHORTEST_TIMEOUT, section, "timeout", section.read("timeout", positive_duration, 5.0)
        ),
        headers=_read_headers(section),
        method=section.read("method", method, "GET"),
        status=section.read("status", between(100, 599), 0),
        follow_redirects=section.read("followRedirects", values.boolean, True),
    )
    section.finish()
    report = section.report
    if health_check.mode == "grpc":
        report.warning(
            f"{report.at(section.key('mode'), 'grpc')} is not served yet",
            "the health check has no effect: all servers are taken to be well",
        )
    if section.has("path") and not health_check.path:
        report.warning(f"{report.at(section.path)} has no effect", "give a path that can be asked for")
        return None
    return health_check


def _read_with_minimum(minimum: str, section: Section, name: str, found: float) -> float:
    """What was found under this name; what is shorter than `minimum` is told, and `minimum` taken."""
    least = seconds(minimum)
    if found >= least:
        return found
    report = section.report
    written = report.at(section.key(name), section.raw(name))
    report.warning(f"{written} is too short", f"{minimum} is taken; give no less")
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
        raise ValueError(f"{expected}, not a whole URL")
    return found if found.startswith("/") else f"/{found}"


def hostname(value: object) -> str:
    """A host name: what goes into the Host header, with or without a port."""
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
            raise ValueError(f"expected a value that a header can hold for {name}")
    return found


def _read_headers(section: Section) -> dict[str, str]:
    nothing: dict[str, str] = {}
    return section.read("headers", headers, nothing)
