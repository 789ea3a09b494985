"""How a service is balanced, and how its servers are looked after: what labels of both dialects say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from discovery.decoding import values
from discovery.dynamic import health_check as checks
from discovery.dynamic.balancing import SAME_SITE, slow_start_seconds
from discovery.labels.vocabulary.label import Label
from rondpoint.middlewares.readers import between
from rondpoint.model import Strategy

_COOKIE = "[a cookie keeps clients](../balancing.md#sticky-sessions)"


def balancing(below: str, strategy: str, slow_start: str) -> tuple[Label, ...]:
    """What both dialects say of a service's strategy, by their names for it."""
    return (
        Label(
            f"{below}.{strategy}",
            "drr",
            "[which server takes a request](../balancing.md)",
            values.one_of(get_args(Strategy)),
            "wrr",
        ),
        Label(
            f"{below}.{slow_start}",
            "30s",
            "Rondpoint's own: the time in which a server that joins "
            "[grows into its share](../balancing.md#slow-start)",
            slow_start_seconds,
            0.0,
        ),
    )


def sticky(above: str) -> Iterator[Label]:
    """The options of a `sticky` of Traefik 3."""
    yield Label(
        f"{above}.sticky", "true", f"`true` is a cookie with all defaults: {_COOKIE}", values.boolean, False
    )
    yield Label(f"{above}.sticky.cookie", "true", "the same", values.boolean, False)
    for name, example, read, default, description, default_text in (
        ("name", "shop", values.text, "", "its name", "made from the service's"),
        ("secure", "true", values.boolean, False, "for TLS only", ""),
        ("httpOnly", "true", values.boolean, False, "hidden from scripts", ""),
        ("sameSite", "lax", values.one_of(SAME_SITE), "", "whether other sites' pages send it", ""),
        ("maxAge", "3600", values.integer, 0, "seconds that it lives; 0 is as long as the browser", ""),
        ("path", "/shop", values.text, "/", "below which path it is sent", ""),
        ("domain", "example.com", values.text, "", "to which hosts it is sent", "the one asked for"),
    ):
        yield Label(f"{above}.sticky.cookie.{name}", example, description, read, default, default_text=default_text)


def health_check(above: str) -> Iterator[Label]:
    """The options of a `healthCheck`, which both dialects have."""
    least = checks.SHORTEST_INTERVAL
    for name, example, read, default, description, default_text in (
        ("path", "/health", checks.path, "", "what is asked for", ""),
        ("method", "HEAD", checks.method, "GET", "how", ""),
        ("status", "204", between(100, 599), 0, "what alone is well", "200 to 399"),
        ("interval", "10s", checks.positive_duration, 30.0, f"how often; {least} or more", ""),
        (
            "unhealthyInterval",
            "5s",
            checks.positive_duration,
            None,
            f"how often of one that is down; {least} or more",
            "`interval`",
        ),
        (
            "timeout",
            "3s",
            checks.positive_duration,
            5.0,
            f"for an answer; {checks.SHORTEST_TIMEOUT} or more",
            "",
        ),
        ("hostname", "shop.example", checks.hostname, "", "the `Host` to ask with", "the server's"),
        ("port", "8081", values.port, 0, "where to ask", "the server's"),
        ("scheme", "http", values.scheme, "", "how to speak", "the server's"),
        ("followRedirects", "false", values.boolean, True, "whether a redirection is followed", ""),
        (
            "mode",
            "http",
            values.one_of(("http", "grpc")),
            "http",
            "`grpc` has no effect, and a warning says so",
            "",
        ),
    ):
        yield Label(f"{above}.healthCheck.{name}", example, description, read, default, default_text=default_text)
