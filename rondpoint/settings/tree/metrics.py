"""Counts for Prometheus, under Traefik's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_OURS = frozenset({"code", "method", "protocol", "entrypoint", "router", "service", "le"})


def parse_bounds(value: object) -> tuple[float, ...]:
    """Seconds in a list, or separated by commas; in order, each once."""
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
    """Headers by the labels that tell their values."""
    if not isinstance(value, Mapping):
        raise ValueError("expected names of labels and, of each, a header")  # noqa: TRY004 - pydantic reports ValueError
    for label, header in value.items():
        if not _LABEL.fullmatch(label) or label.startswith("__") or label in _OURS:
            raise ValueError(f"{label!r} cannot be a label of its own")
        if not isinstance(header, str) or not _HEADER.fullmatch(header):
            raise ValueError(f"{header!r} is not the name of a header")
    return dict(sorted(value.items()))


class PrometheusMetrics(Section):
    """Serves counts at `/metrics`, for Prometheus to fetch."""

    buckets: Annotated[tuple[float, ...], BeforeValidator(parse_bounds)] = Field(
        default=(0.1, 0.3, 1.2, 5.0), description="Upper bounds of the histograms' buckets, in seconds."
    )
    add_entry_points_labels: Switch = Field(default=True, description="Count by entry point.")
    add_routers_labels: Switch = Field(default=False, description="Count by router.")
    add_services_labels: Switch = Field(default=True, description="Count by service.")
    add_servers_labels: Switch = Field(
        default=True,
        description="Count by server too, in metrics of ours: some 20 lines for each server that was asked.",
    )
    entry_point: Text = Field(
        default="traefik", description="A web entry point that serves `/metrics` too, ahead of all routers."
    )
    header_labels: Annotated[Mapping[str, str], BeforeValidator(parse_header_labels)] = Field(
        default_factory=dict,
        description="The header whose value `requests_total` has as the label NAME. A worker tells 1000 sets "
        "of values apart; further ones count as `other`.",
    )


class Metrics(Section):
    """Tells what is counted."""

    add_internals: Switch = Field(
        default=False, description="Count requests to API, dashboard, ping and `/metrics` too."
    )
    prometheus: PrometheusMetrics | None = None
