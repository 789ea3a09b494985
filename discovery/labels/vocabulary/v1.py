"""Traefik 1's labels; below `frontend` and `backend`, what its files and keys have there as well."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding import values
from discovery.dynamic.balancing import SAME_SITE
from discovery.dynamic.health_check import headers
from discovery.labels.vocabulary.balancing import balancing, health_check
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.translated import FRONTEND_MIDDLEWARES, BACKEND_MIDDLEWARES
from rondpoint.middlewares.readers import seconds

ROUTES = (
    Label("port", "8080", "where the container is asked", values.port, default_text="the lowest exposed one"),
    Label("protocol", "https", "how; `h2c` takes no requests yet", values.scheme, "http"),
    Label("weight", "3", "its share of requests; 0 is none", values.weight, 1),
    Label(
        "backend",
        "shop",
        "containers of one backend are servers of one service",
        values.text,
        default_text="`SERVICE_PROJECT` in compose, else the container's name",
    ),
    Label(
        "domain",
        "example.com",
        "what default rules end in",
        values.text,
        default_text="`providers.docker.domain`",
    ),
    Label(
        "frontend.rule",
        "Host:shop.example",
        "which requests it takes: [rules](rules.md)",
        values.text,
        default_text="`Host:SERVICE.PROJECT.DOMAIN` in compose, else `Host:NAME.DOMAIN`",
    ),
    Label(
        "frontend.priority",
        "10",
        "higher first, then by the router's name",
        values.integer,
        0,
        default_text="the length of the rule",
    ),
    Label(
        "frontend.entryPoints",
        "http",
        "where it listens; `http` is `web` where that is the only one",
        values.texts,
        (),
        default_text="all default ones",
    ),
    Label(
        "frontend.passHostHeader",
        "false",
        "whether the server gets the `Host` that the client asked for",
        values.boolean,
        True,
    ),
)

_ON = "true"
_BALANCER = "backend.loadBalancer"
_STICKINESS = f"{_BALANCER}.stickiness"
_CHECK = "backend.healthCheck"

SERVICES = (
    *balancing(_BALANCER, "method", "slowStart"),
    Label(
        _STICKINESS,
        _ON,
        "[a cookie keeps clients](../balancing.md#sticky-sessions); its value is opaque, and not the URL "
        "of the server as in Traefik 1",
        values.boolean,
        False,
    ),
    *(
        Label(f"{_STICKINESS}.{name}", example, description, read, default, requires=(_STICKINESS,), default_text=default_text)
        for name, example, read, default, description, default_text in (
            ("cookieName", "shop", values.text, "", "its name", "made from the service's"),
            ("secure", _ON, values.boolean, False, "for TLS only", ""),
            ("httpOnly", _ON, values.boolean, False, "hidden from scripts", ""),
            ("sameSite", "lax", values.one_of(SAME_SITE), "", "whether other sites' pages send it", ""),
        )
    ),
    Label(f"{_BALANCER}.sticky", _ON, "the same, with the cookie `_TRAEFIK_BACKEND`", values.boolean, False),
    Label(
        f"{_BALANCER}.swarm",
        _ON,
        "leave balancing to Docker's swarm",
        values="true or false",
        support=Support.UNSERVED,
    ),
    *(
        replace(each, requires=() if each.name == f"{_CHECK}.path" else (f"{_CHECK}.path",))
        for each in health_check("backend")
    ),
    Label(
        f"{_CHECK}.headers",
        "X-A:1||X-B:2",
        "headers to ask with",
        headers,
        {},
        values=r"`NAME:VALUE\|\|NAME:VALUE`",
        requires=(f"{_CHECK}.path",),
    ),
    Label(
        "backend.responseForwarding.flushInterval",
        "10ms",
        "responses are passed on as they come",
        seconds,
        0.1,
        support=Support.STORED,
    ),
)

LABELS = (*ROUTES, *FRONTEND_MIDDLEWARES, *SERVICES, *BACKEND_MIDDLEWARES)

_URL = "backends.NAME.servers.NAME.url"

FILE_OPTIONS = (
    Label(_URL, "http://10.0.0.7:80", "where a server is", values.address),
    Label(
        "backends.NAME.servers.NAME.weight",
        "3",
        "its share of requests; 0 is none",
        values.weight,
        1,
        requires=(_URL,),
    ),
    Label("backends.NAME.servers.NAME.tags", "a", "no effect", values="a list", requires=(_URL,)),
    Label("frontends.NAME.backend", "NAME", "where it leads", values.text, default_text="to be given"),
    Label(
        "frontends.NAME.routes.NAME.rule",
        "Host:shop.example",
        "which requests it takes: those for which all its rules hold",
        values.text,
        default_text="to be given",
    ),
    Label("frontends.NAME.rule", "Host:shop.example", "one more of them", values.text),
    Label("frontends.NAME.basicAuth", "eve:$apr1$x", translates_to="basicAuth.users"),
)
"""What files and keys have beside the options that labels have below `frontend` and `backend`."""
