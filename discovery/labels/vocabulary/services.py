"""Services of Traefik 3."""

from __future__ import annotations

from discovery.decoding import values
from discovery.labels.vocabulary.balancing import balancing, health_check, sticky
from discovery.labels.vocabulary.label import Label, Support
from rondpoint.middlewares.readers import seconds

SERVICE = "http.services.NAME"
_BALANCER = f"{SERVICE}.loadBalancer"

SERVERS = (
    Label(
        f"{_BALANCER}.server.port",
        "8080",
        "where the container is asked",
        values.port,
        default_text="the lowest exposed one",
    ),
    Label(f"{_BALANCER}.server.scheme", "https", "how; `h2c` takes no requests yet", values.scheme, "http"),
    Label(f"{_BALANCER}.server.url", "http://10.0.0.7:80", "in place of both", values.address),
    Label(f"{_BALANCER}.server.weight", "3", "its share of requests; 0 is none", values.weight, 1),
    Label(
        f"{_BALANCER}.server.preservePath",
        "true",
        "keep a path of the URL",
        values="true or false",
        support=Support.UNSERVED,
    ),
)
"""In labels."""

FILE_SERVERS = (
    Label(f"{_BALANCER}.servers[0].url", "http://10.0.0.7:80", "where a server is", values.address),
    Label(
        f"{_BALANCER}.servers[0].weight",
        "3",
        "its share of requests; 0 is none",
        values.weight,
        1,
        requires=(f"{_BALANCER}.servers[0].url",),
    ),
    Label(
        f"{_BALANCER}.servers[0].preservePath",
        "true",
        "keep a path of the URL",
        values="true or false",
        support=Support.UNSERVED,
        requires=(f"{_BALANCER}.servers[0].url",),
    ),
)
"""In files, keys and the API."""

SERVICES = (
    Label(
        f"{_BALANCER}.passHostHeader",
        "false",
        "whether the server gets the `Host` that the client asked for",
        values.boolean,
        True,
    ),
    *balancing(_BALANCER, "strategy", "slowStart"),
    *sticky(_BALANCER),
    *health_check(_BALANCER),
    Label(
        f"{_BALANCER}.healthCheck.headers.NAME",
        "x",
        "headers to ask with",
        values="texts by name",
    ),
    *(
        Label(
            f"{_BALANCER}.passiveHealthCheck.{name}",
            example,
            "servers that cannot be reached are put aside in any case, by "
            "[rules of Rondpoint's own](redis.md#ejection)",
            values=words,
            support=Support.UNSERVED,
        )
        for name, example, words in (
            ("failureWindow", "10s", "a duration"),
            ("maxFailedAttempts", "3", "a whole number"),
        )
    ),
    Label(
        f"{_BALANCER}.serversTransport",
        "own@file",
        "stored; the settings below `serversTransport` hold for all services",
        values.text,
        "",
        support=Support.UNSERVED,
    ),
    Label(
        f"{_BALANCER}.responseForwarding.flushInterval",
        "10ms",
        "responses are passed on as they come",
        seconds,
        0.1,
        support=Support.STORED,
    ),
    Label(
        f"{SERVICE}.middlewares",
        "strip",
        "[what requests pass](middlewares.md) behind the router's own",
        values.texts,
        requires=(f"{_BALANCER}.passHostHeader",),
    ),
)
