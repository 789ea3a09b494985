"""Decodes the active health check of a TCP service."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section
from discovery.dynamic.health_check import (
    SHORTEST_INTERVAL,
    SHORTEST_TIMEOUT,
    enforce_minimum,
    positive_duration,
)
from rondpoint.tcp.model import TcpHealthCheck

MAX_PAYLOAD = 65_535
"""Bytes that a check sends, and that it expects, as in Traefik."""


def payload(value: object) -> str:
    """Text, with its blanks."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError("expected text")  # noqa: TRY004 - what the user wrote is a value to us
    found = str(value)
    if len(found.encode("utf-8", "surrogatepass")) > MAX_PAYLOAD:
        raise ValueError(f"expected {MAX_PAYLOAD:,} bytes or less")
    return found


def read_health_check(balancer: Section) -> TcpHealthCheck | None:
    """Read `healthCheck`, or return None if there is none; report invalid values and use their defaults.

    A switch in place of options, `true`, stands for a check with all defaults.
    """
    if str(balancer.raw("healthCheck") or "").strip().lower() == "true":
        return TcpHealthCheck()
    section = balancer.section("healthCheck")
    if section is None:
        return None
    unhealthy = section.read("unhealthyInterval", positive_duration, None)
    interval = section.read("interval", positive_duration, 30.0)
    timeout = section.read("timeout", positive_duration, 5.0)
    check = TcpHealthCheck(
        port=section.read("port", values.port, 0),
        send=section.read("send", payload, ""),
        expect=section.read("expect", payload, ""),
        interval=enforce_minimum(SHORTEST_INTERVAL, section, "interval", interval),
        unhealthy_interval=unhealthy
        and enforce_minimum(SHORTEST_INTERVAL, section, "unhealthyInterval", unhealthy),
        timeout=enforce_minimum(SHORTEST_TIMEOUT, section, "timeout", timeout),
    )
    section.finish()
    return check
