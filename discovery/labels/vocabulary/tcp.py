"""Labels and file options of TCP."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding import values
from discovery.dynamic import health_check as checks
from discovery.dynamic import servers_transports as readers
from discovery.dynamic.tcp.connection_options import milliseconds, signed_duration, version
from discovery.dynamic.tcp.health_check import payload
from discovery.dynamic.tls_domains import certificate_name, certificate_names
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.servers_transports import TRANSPORT as HTTP_TRANSPORT
from discovery.labels.vocabulary.servers_transports import TRANSPORTS as HTTP_TRANSPORTS

ROUTER = "tcp.routers.NAME"
SERVICE = "tcp.services.NAME"
TRANSPORT = "tcp.serversTransports.NAME"
_BALANCER = f"{SERVICE}.loadBalancer"
_CHECK = f"{_BALANCER}.healthCheck"

_RULE = f"{ROUTER}.rule"
_ADDRESS = f"{_BALANCER}.servers[0].address"
_MEMBER = f"{SERVICE}.weighted.services[0].name"

ROUTERS = (
    Label(
        _RULE,
        "HostSNI(`*`)",
        "connections that it takes: [rules](../tcp.md#rules-of-tcp-routers)",
        values.text,
    ),
    Label(
        f"{ROUTER}.priority",
        "10",
        "the highest priority wins, then the alphabetically first name",
        values.integer,
        0,
        default_text="the length of the rule; -1 for ``HostSNI(`*`)``",
    ),
    Label(
        f"{ROUTER}.entryPoints",
        "web",
        "entry points that it serves",
        values.texts,
        default_text="all default entry points",
    ),
    Label(
        f"{ROUTER}.middlewares",
        "lan,few@file",
        "its [middlewares](middlewares.md#kinds-for-tcp-routers)",
        values.texts,
    ),
    Label(
        f"{ROUTER}.service", "NAME", "its service", values.text, default_text="the container's only service"
    ),
    Label(
        f"{ROUTER}.tls",
        "true",
        "take connections over TLS only, and end TLS: [certificates](../certificates.md)",
        values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{ROUTER}.tls.passthrough",
        "true",
        "let the server end TLS",
        values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{ROUTER}.tls.options",
        "default",
        "[TLS options](#tls) of its connections; a name of another provider with `@PROVIDER`",
        values.text,
        default_text="`default`",
    ),
    Label(
        f"{ROUTER}.tls.certResolver",
        "le",
        "resolver that obtains certificates for the names in `HostSNI`",
        values.text,
        "",
    ),
    Label(
        f"{ROUTER}.tls.domains[0].main",
        "a.test",
        "names of the certificates, in place of those of its rule",
        certificate_name,
        "",
    ),
    Label(
        f"{ROUTER}.tls.domains[0].sans",
        "b.test",
        "other names of the same certificate",
        certificate_names,
        requires=(f"{ROUTER}.tls.domains[0].main",),
    ),
    Label(
        f"{ROUTER}.ruleSyntax",
        "v3",
        "`v2` is the syntax of Traefik 2",
        values="`v3` or `v2`",
        default_text="`v3`",
    ),
)

SERVERS = (
    Label(
        f"{_BALANCER}.server.port",
        "5432",
        "port of the container",
        values.port,
        default_text="the lowest exposed port",
    ),
    Label(f"{_BALANCER}.server.tls", "true", "connect over TLS", values.boolean, default_text="`false`"),
)
"""Options of a server in labels."""

FILE_SERVERS = (
    Label(_ADDRESS, "10.0.0.7:5432", "address of a server", values.host_and_port),
    Label(
        f"{_BALANCER}.servers[0].tls",
        "true",
        "connect over TLS",
        values.boolean,
        default_text="`false`",
        requires=(_ADDRESS,),
    ),
)
"""Options of servers in files, keys and the API."""

_PROXY_VERSION = Label(
    "",
    "1",
    "send the header of the PROXY protocol in this version; `proxyProtocol=true` stands for version 2",
    version,
    default_text="no header",
)
_CHECKS = tuple(
    Label(f"{_CHECK}.{name}", example, description, read, default, default_text=default_text)
    for name, example, read, default, description, default_text in (
        ("port", "5433", values.port, 0, "port to connect to", "the server's"),
        ("send", "PING", payload, "", "what is sent after connecting", "nothing"),
        ("expect", "PONG", payload, "", "what the response must begin with", "nothing"),
        (
            "interval",
            "10s",
            checks.positive_duration,
            30.0,
            f"time between two checks; {checks.SHORTEST_INTERVAL} or more",
            "",
        ),
        (
            "unhealthyInterval",
            "5s",
            checks.positive_duration,
            None,
            f"time between two checks of an unhealthy server; {checks.SHORTEST_INTERVAL} or more",
            "`interval`",
        ),
        (
            "timeout",
            "3s",
            checks.positive_duration,
            5.0,
            f"time for connecting and the response; {checks.SHORTEST_TIMEOUT} or more",
            "",
        ),
    )
)

SERVICES = (
    Label(
        f"{_BALANCER}.serversTransport",
        "own@file",
        "[servers transport](#servers-transports-of-tcp), in place of the settings below "
        "`tcpServersTransport`",
        values.text,
        "",
    ),
    *_CHECKS,
    replace(_PROXY_VERSION, name=f"{_BALANCER}.proxyProtocol.version"),
    Label(
        f"{_BALANCER}.terminationDelay",
        "200",
        "milliseconds in which one side has to end its stream after the other; a negative number is no limit",
        milliseconds,
        0.1,
        default_text="100",
    ),
    Label(_MEMBER, "blue", "name of a member service", values.text, ""),
    Label(f"{SERVICE}.weighted.services[0].weight", "3", "its weight", values.weight, 1, requires=(_MEMBER,)),
    Label(
        f"{SERVICE}.weighted.healthCheck",
        "true",
        "a member without available servers is skipped, with or without this option",
        values="`{}`",
        requires=(_MEMBER,),
    ),
)

_TLS = tuple(
    replace(
        each,
        name=each.name.replace(HTTP_TRANSPORT, f"{TRANSPORT}.tls"),
        requires=tuple(name.replace(HTTP_TRANSPORT, f"{TRANSPORT}.tls") for name in each.requires),
        description="services with this transport take no connections"
        if each.support is Support.CLOSING
        else each.description,
        support=Support.CLOSING_TCP if each.support is Support.CLOSING else each.support,
    )
    for each in HTTP_TRANSPORTS
    if not any(part in each.name for part in ("forwardingTimeouts", "maxIdleConnsPerHost", "disableHTTP2"))
)

TRANSPORTS = (
    Label(
        f"{TRANSPORT}.dialTimeout",
        "5s",
        "time limit for connecting to a server",
        readers.time_limit,
        30.0,
    ),
    Label(
        f"{TRANSPORT}.dialKeepAlive",
        "30s",
        "time between keep-alive probes; a negative one for no probes",
        signed_duration,
        15.0,
    ),
    Label(
        f"{TRANSPORT}.terminationDelay",
        "1s",
        "time in which one side has to end its stream after the other; a negative one is no limit",
        signed_duration,
        0.1,
    ),
    replace(_PROXY_VERSION, name=f"{TRANSPORT}.proxyProtocol.version"),
    *_TLS,
)

IN_LABELS = (
    Label(
        f"{TRANSPORT}.dialTimeout",
        "1s",
        "define [transports](#servers-transports-of-tcp) in files",
        values="text",
        support=Support.UNSERVED,
    ),
)
"""Options that only files, keys and the API may have."""

LABELS = (*ROUTERS, *SERVERS, *SERVICES)
FILE_OPTIONS = (*ROUTERS, *FILE_SERVERS, *SERVICES, *TRANSPORTS)
