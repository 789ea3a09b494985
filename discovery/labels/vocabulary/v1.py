"""Labels of Traefik 1; files and keys have the same options below frontends and backends."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding import values
from discovery.dynamic.balancing import SAME_SITE
from discovery.dynamic.health_check import headers
from discovery.labels.vocabulary.balancing import balancing, health_check
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.tls import CERTIFICATES_OF_TRAEFIK_1
from discovery.labels.vocabulary.translated import BACKEND_MIDDLEWARES, FRONTEND_MIDDLEWARES
from rondpoint.middlewares.readers import seconds

ROUTES = (
    Label("port", "8080", "port of the container", values.port, default_text="the lowest exposed port"),
    Label(
        "protocol",
        "https",
        "scheme for requests to the server; `h2c` is HTTP/2 without TLS",
        values.scheme_of_v1,
        "http",
    ),
    Label("weight", "3", "its weight; 0 is no requests", values.weight, 1),
    Label(
        "backend",
        "shop",
        "its backend; containers of one backend are servers of one service",
        values.text,
        default_text="`SERVICE_PROJECT` in Compose, else the container's name",
    ),
    Label(
        "domain",
        "example.com",
        "domain at the end of default rules",
        values.text,
        default_text="`providers.docker.domain`",
    ),
    Label(
        "frontend.rule",
        "Host:shop.example",
        "requests that it matches: [rules](rules.md)",
        values.text,
        default_text="`Host:SERVICE.PROJECT.DOMAIN` in Compose, else `Host:NAME.DOMAIN`",
    ),
    Label(
        "frontend.priority",
        "10",
        "the highest priority wins, then the alphabetically first name",
        values.integer,
        0,
        default_text="the length of the rule",
    ),
    Label(
        "frontend.entryPoints",
        "http",
        "entry points that it serves; `http` means `web` if that is the only one",
        values.texts,
        (),
        default_text="all default entry points",
    ),
    Label(
        "frontend.passHostHeader",
        "false",
        "whether the server gets the client's `Host` header",
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
        "[sticky sessions by a cookie](../balancing.md#sticky-sessions); its value is opaque, while "
        "Traefik 1 uses the URL of the server",
        values.boolean,
        False,
    ),
    *(
        Label(
            f"{_STICKINESS}.{name}",
            example,
            description,
            read,
            default,
            requires=(_STICKINESS,),
            default_text=default_text,
        )
        for name, example, read, default, description, default_text in (
            ("cookieName", "shop", values.text, "", "name of the cookie", "made from the service's name"),
            ("secure", _ON, values.boolean, False, "sent over TLS only", ""),
            ("httpOnly", _ON, values.boolean, False, "hidden from scripts", ""),
            (
                "sameSite",
                "lax",
                values.one_of(SAME_SITE),
                "",
                "whether requests from other sites contain it",
                "",
            ),
        )
    ),
    Label(
        f"{_BALANCER}.sticky", _ON, "sticky sessions by the cookie `_TRAEFIK_BACKEND`", values.boolean, False
    ),
    Label(
        f"{_BALANCER}.swarm",
        _ON,
        "the virtual IP of a service of Swarm is the only server, so Swarm balances the requests",
        values="true or false",
        support=Support.SWARM_ONLY,
    ),
    *(
        replace(each, requires=() if each.name == f"{_CHECK}.path" else (f"{_CHECK}.path",))
        for each in health_check("backend")
    ),
    Label(
        f"{_CHECK}.headers",
        "X-A:1||X-B:2",
        "headers of the request",
        headers,
        {},
        values=r"`NAME:VALUE\|\|NAME:VALUE`",
        requires=(f"{_CHECK}.path",),
    ),
    Label(
        "backend.responseForwarding.flushInterval",
        "10ms",
        "responses are forwarded at once in any case",
        seconds,
        0.1,
        support=Support.STORED,
    ),
)

LABELS = (*ROUTES, *FRONTEND_MIDDLEWARES, *SERVICES, *BACKEND_MIDDLEWARES)

_URL = "backends.NAME.servers.NAME.url"

FILE_OPTIONS = (
    Label(_URL, "http://10.0.0.7:80", "URL of a server", values.address),
    Label(
        "backends.NAME.servers.NAME.weight",
        "3",
        "its weight; 0 is no requests",
        values.weight,
        1,
        requires=(_URL,),
    ),
    Label("backends.NAME.servers.NAME.tags", "a", "no effect", values="a list", requires=(_URL,)),
    Label("frontends.NAME.backend", "NAME", "its backend", values.text, default_text="required"),
    Label(
        "frontends.NAME.routes.NAME.rule",
        "Host:shop.example",
        "requests that it matches; all rules of a frontend must match",
        values.text,
        default_text="required",
    ),
    Label("frontends.NAME.rule", "Host:shop.example", "one more rule", values.text),
    Label(
        "frontends.NAME.basicAuth", "eve:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", translates_to="basicAuth.users"
    ),
    *CERTIFICATES_OF_TRAEFIK_1,
)
"""Options that only files and keys have, in addition to those of labels."""
