"""Labels of both dialects for load balancing, sticky sessions and health checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from discovery.decoding import values
from discovery.dynamic import health_check as checks
from discovery.dynamic.balancing import SAME_SITE, slow_start_seconds
from discovery.labels.vocabulary.label import Label
from rondpoint.middlewares.readers import between
from rondpoint.model import Strategy

_COOKIE = "[sticky sessions by a cookie](../balancing.md#sticky-sessions)"


def balancing(below: str, strategy: str, slow_start: str) -> tuple[Label, ...]:
    """Return the labels of a service's strategy and slow start, by their names in a dialect."""
    return (
        Label(
            f"{below}.{strategy}",
            "drr",
            "[how a server is chosen for a request](../balancing.md)",
            values.one_of(get_args(Strategy)),
            "wrr",
        ),
        Label(
            f"{below}.{slow_start}",
            "30s",
            "only in Rondpoint: time in which a new server "
            "[reaches its full share of requests](../balancing.md#slow-start)",
            slow_start_seconds,
            0.0,
        ),
    )


def sticky(above: str) -> Iterator[Label]:
    """Yield the options of `sticky` in Traefik 3."""
    yield Label(f"{above}.sticky", "true", f"{_COOKIE}; `true` uses all defaults", values.boolean, False)
    yield Label(f"{above}.sticky.cookie", "true", "the same as `sticky`", values.boolean, False)
    for name, example, read, default, description, default_text in (
        ("name", "shop", values.text, "", "name of the cookie", "made from the service's name"),
        ("secure", "true", values.boolean, False, "sent over TLS only", ""),
        ("httpOnly", "true", values.boolean, False, "hidden from scripts", ""),
        ("sameSite", "lax", values.one_of(SAME_SITE), "", "whether requests from other sites contain it", ""),
        ("maxAge", "3600", values.integer, 0, "lifetime in seconds; 0 is until the browser closes", ""),
        ("path", "/shop", values.text, "/", "path below which it is sent", ""),
        ("domain", "example.com", values.text, "", "hosts to which it is sent", "the requested host"),
    ):
        yield Label(
            f"{above}.sticky.cookie.{name}", example, description, read, default, default_text=default_text
        )


def health_check(above: str) -> Iterator[Label]:
    """Yield the options of `healthCheck`, which both dialects have."""
    least = checks.SHORTEST_INTERVAL
    for name, example, read, default, description, default_text in (
        ("path", "/health", checks.path, "", "path of the request", ""),
        ("method", "HEAD", checks.method, "GET", "method of the request", ""),
        ("status", "204", between(100, 599), 0, "the only status that counts as healthy", "200 to 399"),
        ("interval", "10s", checks.positive_duration, 30.0, f"time between two checks; {least} or more", ""),
        (
            "unhealthyInterval",
            "5s",
            checks.positive_duration,
            None,
            f"time between two checks of an unhealthy server; {least} or more",
            "`interval`",
        ),
        (
            "timeout",
            "3s",
            checks.positive_duration,
            5.0,
            f"time for the response; {checks.SHORTEST_TIMEOUT} or more",
            "",
        ),
        ("hostname", "shop.example", checks.hostname, "", "value of the `Host` header", "the server's"),
        ("port", "8081", values.port, 0, "port for the request", "the server's"),
        ("scheme", "http", values.scheme, "", "scheme for the request", "the server's"),
        ("followRedirects", "false", values.boolean, True, "whether redirects are followed", ""),
        (
            "mode",
            "http",
            values.one_of(("http", "grpc")),
            "http",
            "`grpc` calls `grpc.health.v1.Health/Check`; `path`, `method` and `status` then have no effect",
            "",
        ),
    ):
        yield Label(
            f"{above}.healthCheck.{name}", example, description, read, default, default_text=default_text
        )
