"""Labels of Traefik 3 services."""

from __future__ import annotations

from discovery.decoding import values
from discovery.dynamic import health_check as checks
from discovery.labels.vocabulary.balancing import balancing, health_check, sticky
from discovery.labels.vocabulary.label import Label, Support
from rondpoint.middlewares.readers import seconds

SERVICE = "http.services.NAME"
_BALANCER = f"{SERVICE}.loadBalancer"

SERVERS = (
    Label(
        f"{_BALANCER}.server.port",
        "8080",
        "port of the container",
        values.port,
        default_text="the lowest exposed port",
    ),
    Label(
        f"{_BALANCER}.server.scheme",
        "https",
        "scheme for requests to the server; `h2c` is HTTP/2 without TLS",
        values.scheme,
        "http",
    ),
    Label(
        f"{_BALANCER}.server.url",
        "http://10.0.0.7:80",
        "URL of the server, in place of port and scheme",
        values.address,
    ),
    Label(f"{_BALANCER}.server.weight", "3", "its weight; 0 is no requests", values.weight, 1),
    Label(
        f"{_BALANCER}.server.preservePath",
        "true",
        "keep the path of the URL",
        values="true or false",
        support=Support.UNSERVED,
    ),
)
"""Options of a server in labels."""

FILE_SERVERS = (
    Label(f"{_BALANCER}.servers[0].url", "http://10.0.0.7:80", "URL of a server", values.address),
    Label(
        f"{_BALANCER}.servers[0].weight",
        "3",
        "its weight; 0 is no requests",
        values.weight,
        1,
        requires=(f"{_BALANCER}.servers[0].url",),
    ),
    Label(
        f"{_BALANCER}.servers[0].preservePath",
        "true",
        "keep the path of the URL",
        values="true or false",
        support=Support.UNSERVED,
        requires=(f"{_BALANCER}.servers[0].url",),
    ),
)
"""Options of servers in files, keys and the API."""

SERVICES = (
    Label(
        f"{_BALANCER}.passHostHeader",
        "false",
        "whether the server gets the client's `Host` header",
        values.boolean,
        True,
    ),
    *balancing(_BALANCER, "strategy", "slowStart"),
    *sticky(_BALANCER),
    *health_check(_BALANCER),
    Label(
        f"{_BALANCER}.healthCheck.headers.NAME",
        "x",
        "headers of the request",
        values="texts by name",
    ),
    Label(
        f"{_BALANCER}.passiveHealthCheck.failureWindow",
        "30s",
        "time within which failed requests count, and for which the server "
        f"[then gets no requests](../balancing.md#passive-health-checks); {checks.SHORTEST_WINDOW} or more",
        checks.positive_duration,
        10.0,
    ),
    Label(
        f"{_BALANCER}.passiveHealthCheck.maxFailedAttempts",
        "3",
        "failed requests in a row, after which a server gets no more",
        checks.at_least_one,
        1,
    ),
    Label(
        f"{_BALANCER}.serversTransport",
        "own@file",
        "[servers transport](#servers-transports), in place of the settings below `serversTransport`",
        values.text,
        "",
    ),
    Label(
        f"{_BALANCER}.responseForwarding.flushInterval",
        "10ms",
        "responses are forwarded at once in any case",
        seconds,
        0.1,
        support=Support.STORED,
    ),
    Label(
        f"{SERVICE}.middlewares",
        "strip",
        "[middlewares](middlewares.md) that follow those of the router",
        values.texts,
        requires=(f"{_BALANCER}.passHostHeader",),
    ),
)
