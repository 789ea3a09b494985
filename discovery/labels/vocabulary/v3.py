"""Labels of Traefik 3; dynamic files have the same options. `rondpoint.middlewares` has the middlewares."""

from __future__ import annotations

from discovery.labels.vocabulary.composite import COMPOSITE
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.routers import ROUTERS
from discovery.labels.vocabulary.servers_transports import TRANSPORTS
from discovery.labels.vocabulary.services import FILE_SERVERS, SERVERS, SERVICES
from discovery.labels.vocabulary.tls import CERTIFICATES, STORE, TLS_OPTIONS

OTHERS = (
    Label(
        "http.models.NAME.middlewares",
        "a",
        "set `entryPoints.NAME.http.middlewares` instead",
        values="a list",
        support=Support.NO_EFFECT,
    ),
    Label(
        "http.models.NAME.tls",
        "true",
        "set `entryPoints.NAME.http.tls` instead",
        values="true, or options",
        support=Support.NO_EFFECT,
    ),
    Label(
        "http.models.NAME.observability.metrics",
        "false",
        "set `entryPoints.NAME.observability` instead",
        values="true or false",
        support=Support.NO_EFFECT,
    ),
)

IN_LABELS = (
    Label(
        "http.serversTransports.NAME.serverName",
        "a",
        "define [transports](#servers-transports) in files",
        values="text",
        support=Support.UNSERVED,
    ),
)
"""Options that only files, keys and the API may have."""

LABELS = (*ROUTERS, *SERVERS, *SERVICES, *COMPOSITE, *STORE, *OTHERS, *IN_LABELS)
FILE_OPTIONS = (
    *ROUTERS,
    *FILE_SERVERS,
    *SERVICES,
    *COMPOSITE,
    *TRANSPORTS,
    *CERTIFICATES,
    *TLS_OPTIONS,
    *OTHERS,
)
