"""Routers of Traefik 3."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.labels.vocabulary.label import Label, Standing

ROUTER = "http.routers.NAME"


def _observability() -> Iterator[Label]:
    for name, example, told, words in (
        ("accessLogs", "false", "whether its requests are logged", "true or false"),
        ("metrics", "false", "whether they are counted for `/metrics`", "true or false"),
        ("tracing", "false", "whether they are traced", "true or false"),
        ("traceVerbosity", "detailed", "how much of them is traced", "`minimal` or `detailed`"),
    ):
        yield Label(f"{ROUTER}.observability.{name}", example, told, values=words, standing=Standing.UNSERVED)


ROUTERS = (
    Label(
        f"{ROUTER}.rule",
        "Host(`shop.example`)",
        "which requests it takes: [rules](rules.md)",
        read=values.text,
        unless="`providers.docker.defaultRule`",
    ),
    Label(
        f"{ROUTER}.priority",
        "10",
        "higher first, then the lower name",
        read=values.integer,
        default=0,
        unless="the length of the rule",
    ),
    Label(f"{ROUTER}.entryPoints", "web", "where it listens", read=values.texts, unless="all default ones"),
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
        unless="the container's only one",
    ),
    Label(
        f"{ROUTER}.tls",
        "true",
        "only requests of entry points that speak TLS, with the entry point's certificates",
        read=values.boolean,
        unless="`false`",
    ),
    Label(
        f"{ROUTER}.tls.options",
        "default",
        "by another name it leaves the router out",
        values="`default`",
        unless="`default`",
    ),
    Label(
        f"{ROUTER}.tls.certResolver",
        "le",
        "the entry point's certificates are used",
        values="text",
        standing=Standing.UNSERVED,
    ),
    Label(f"{ROUTER}.tls.domains[0].main", "a.test", "the same", values="text", standing=Standing.UNSERVED),
    Label(f"{ROUTER}.tls.domains[0].sans", "b.test", "the same", values="a list", standing=Standing.UNSERVED),
    Label(
        f"{ROUTER}.ruleSyntax",
        "v2",
        "`v2` is the language of Traefik 2, see [rules](rules.md)",
        values="`v3` or `v2`",
        unless="`v3`",
    ),
    Label(f"{ROUTER}.parentRefs", "x", "routers above it", values="a list", standing=Standing.LEFT_OUT),
    *_observability(),
)
