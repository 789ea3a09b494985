"""The settings of metrics, with Traefik's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_RESERVED_LABELS = frozenset({"code", "method", "protocol", "entrypoint", "router", "service", "le"})


def parse_bounds(value: object) -> tuple[float, ...]:
    """Return the bucket bounds of a list or of a comma-separated text: in seconds, sorted and unique."""
    items = value.split(",") if isinstance(value, str) else value
    try:
        bounds = sorted({float(item) for item in items})  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ValueError(_BOUNDS) from None
    if not bounds or not all(0 < bound < float("inf") for bound in bounds):
        raise ValueError(_BOUNDS)
    return tuple(bounds)


_BOUNDS = "expected seconds above 0, such as 0.1,0.3,1.2,5"


def parse_header_labels(value: object) -> Mapping[str, str]:
    """Return the header names by metric label. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("expected label names, each with a header name")  # noqa: TRY004 - a fault of the user
    for label, header in value.items():
        if not _LABEL.fullmatch(label) or label.startswith("__") or label in _RESERVED_LABELS:
            raise ValueError(f"{label!r} cannot be the name of an additional label")
        if not isinstance(header, str) or not _HEADER.fullmatch(header):
            raise ValueError(f"{header!r} is not the name of a header")
    return dict(sorted(value.items()))


class PrometheusMetrics(Section):
    """Serve metrics for Prometheus at `/metrics`."""

    buckets: Annotated[tuple[float, ...], Parse(parse_bounds)] = Field(
        default=(0.1, 0.3, 1.2, 5.0), description="Upper bounds of the histogram buckets, in seconds."
    )
    add_entry_points_labels: Switch = Field(default=True, description="Count by entry point.")
    add_routers_labels: Switch = Field(default=False, description="Count by router.")
    add_services_labels: Switch = Field(default=True, description="Count by service.")
    add_servers_labels: Switch = Field(
        default=True,
        description="Count by server too, in Rondpoint's own metrics: about 20 lines for each server that "
        "got requests.",
    )
    add_zero_series: Switch = Field(
        default=True,
        description="Show counters that are still zero, too. Without them, the page is shorter, but `rate` "
        "misses the first increase of each.",
    )
    entry_point: Text = Field(
        default="traefik",
        description="A web entry point that also serves `/metrics`, before all routers and redirections, but "
        "behind the middlewares of the entry point.",
    )
    manual_routing: Switch = Field(
        default=False,
        description="Leave metrics to routers to `prometheus@internal`: `/metrics` gets a 404.",
    )
    header_labels: Annotated[Mapping[str, str], Parse(parse_header_labels)] = Field(
        default_factory=dict,
        description="The request header whose value becomes the label NAME of `requests_total`. A worker "
        "distinguishes 1000 sets of values; further ones count as `other`.",
    )


class Metrics(Section):
    """The settings of metrics."""

    add_internals: Switch = Field(
        default=False,
        description="Count requests to API, dashboard, ping and `/metrics` too, also without a router.",
    )
    prometheus: PrometheusMetrics | None = None
