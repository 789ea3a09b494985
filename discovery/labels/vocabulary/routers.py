"""Labels of Traefik 3 routers."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.dynamic.tls_domains import certificate_name, certificate_names
from discovery.labels.vocabulary.label import Label

ROUTER = "http.routers.NAME"
_AS_ITS_ENTRY_POINT = "[the entry point's](../telemetry.md#by-entry-point-and-router)"


def _observability() -> Iterator[Label]:
    for name, description in (
        ("accessLogs", "whether the access log contains its requests"),
        ("metrics", "whether `/metrics` counts its requests"),
        ("tracing", "whether its requests are traced"),
    ):
        label = f"{ROUTER}.observability.{name}"
        yield Label(label, "false", description, read=values.boolean, default_text=_AS_ITS_ENTRY_POINT)
    yield Label(
        f"{ROUTER}.observability.traceVerbosity",
        "detailed",
        "level of detail of its traces",
        read=values.verbosity,
        default_text=_AS_ITS_ENTRY_POINT,
    )


ROUTERS = (
    Label(
        f"{ROUTER}.rule",
        "Host(`shop.example`)",
        "requests that it matches: [rules](rules.md)",
        read=values.text,
        default_text="`providers.docker.defaultRule`",
    ),
    Label(
        f"{ROUTER}.priority",
        "10",
        "the highest priority wins, then the alphabetically first name",
        read=values.integer,
        default=0,
        default_text="the length of the rule",
    ),
    Label(
        f"{ROUTER}.entryPoints",
        "web",
        "entry points that it serves; those with `parentRefs` have none",
        read=values.texts,
        default_text="all default entry points",
    ),
    Label(
        f"{ROUTER}.middlewares",
        "strip,auth@file",
        "its [middlewares](middlewares.md), in the order of requests",
        read=values.texts,
    ),
    Label(
        f"{ROUTER}.service",
        "NAME",
        "its service",
        read=values.text,
        default_text="the container's only service",
    ),
    Label(
        f"{ROUTER}.tls",
        "true",
        "serve only requests over TLS: [certificates](../certificates.md)",
        read=values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{ROUTER}.tls.options",
        "default",
        "[TLS options](#tls) of its hosts; a name of another provider with `@PROVIDER`",
        read=values.text,
        default_text="`default`",
    ),
    Label(
        f"{ROUTER}.tls.certResolver",
        "le",
        "resolver that obtains certificates for the hosts of its rule",
        read=values.text,
        default="",
    ),
    Label(
        f"{ROUTER}.tls.domains[0].main",
        "a.test",
        "names of the certificates, in place of the hosts of its rule",
        read=certificate_name,
        default="",
    ),
    Label(
        f"{ROUTER}.tls.domains[0].sans",
        "b.test",
        "other names of the same certificate",
        read=certificate_names,
        requires=(f"{ROUTER}.tls.domains[0].main",),
    ),
    Label(
        f"{ROUTER}.ruleSyntax",
        "v2",
        "`v2` is the syntax of Traefik 2, see [rules](rules.md)",
        values="`v3` or `v2`",
        default_text="`v3`, or `v2` if the rule is valid only there",
    ),
    Label(
        f"{ROUTER}.parentRefs",
        "api@file",
        "parent routers whose requests it takes, after their middlewares: "
        "[multi-layer routing](../multi-layer-routing.md)",
        read=values.texts,
    ),
    *_observability(),
)
