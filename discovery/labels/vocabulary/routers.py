"""Routers of Traefik 3."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.labels.vocabulary.label import Label, Support

ROUTER = "http.routers.NAME"
_AS_ITS_ENTRY_POINT = "[as its entry point](../telemetry.md#by-entry-point-and-router)"


def _observability() -> Iterator[Label]:
    for name, description in (
        ("accessLogs", "whether its requests are logged"),
        ("metrics", "whether they are counted for `/metrics`"),
        ("tracing", "whether they are traced"),
    ):
        label = f"{ROUTER}.observability.{name}"
        yield Label(label, "false", description, read=values.boolean, default_text=_AS_ITS_ENTRY_POINT)
    yield Label(
        f"{ROUTER}.observability.traceVerbosity",
        "detailed",
        "how much of them is traced",
        read=values.verbosity,
        default_text=_AS_ITS_ENTRY_POINT,
    )


ROUTERS = (
    Label(
        f"{ROUTER}.rule",
        "Host(`shop.example`)",
        "which requests it takes: [rules](rules.md)",
        read=values.text,
        default_text="`providers.docker.defaultRule`",
    ),
    Label(
        f"{ROUTER}.priority",
        "10",
        "higher first, then the lower name",
        read=values.integer,
        default=0,
        default_text="the length of the rule",
    ),
    Label(f"{ROUTER}.entryPoints", "web", "where it listens", read=values.texts, default_text="all default ones"),
    Label(
        f"{ROUTER}.middlewares",
        "strip,auth@file",
        "[what requests pass](middlewares.md), in this order",
        read=values.texts,
    ),
    Label(
        f"{ROUTER}.service",
        "NAME",
        "where it leads",
        read=values.text,
        default_text="the container's only one",
    ),
    Label(
        f"{ROUTER}.tls",
        "true",
        "only requests of entry points that speak TLS, with the entry point's certificates",
        read=values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{ROUTER}.tls.options",
        "default",
        "by another name it leaves the router out",
        values="`default`",
        default_text="`default`",
    ),
    Label(
        f"{ROUTER}.tls.certResolver",
        "le",
        "the entry point's certificates are used",
        values="text",
        support=Support.UNSERVED,
    ),
    Label(f"{ROUTER}.tls.domains[0].main", "a.test", "the same", values="text", support=Support.UNSERVED),
    Label(f"{ROUTER}.tls.domains[0].sans", "b.test", "the same", values="a list", support=Support.UNSERVED),
    Label(
        f"{ROUTER}.ruleSyntax",
        "v2",
        "`v2` is the language of Traefik 2, see [rules](rules.md)",
        values="`v3` or `v2`",
        default_text="`v3`",
    ),
    Label(f"{ROUTER}.parentRefs", "x", "routers above it", values="a list", support=Support.LEFT_OUT),
    *_observability(),
)
