"""Traefik 3's labels, which are its dynamic files as well; middlewares are in `rondpoint.middlewares`."""

from __future__ import annotations

from discovery.labels.vocabulary.composite import COMPOSITE
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.routers import ROUTERS
from discovery.labels.vocabulary.services import SERVERS, FILE_SERVERS, SERVICES

OTHERS = (
    Label(
        "http.serversTransports.NAME.serverName",
        "a",
        "options of connections to servers",
        values="text",
        support=Support.UNSERVED,
    ),
    Label(
        "http.models.NAME.middlewares",
        "a",
        "what routers of an entry point have in common",
        values="a list",
        support=Support.UNSERVED,
    ),
)

LABELS = (*ROUTERS, *SERVERS, *SERVICES, *COMPOSITE, *OTHERS)
FILE_OPTIONS = (*ROUTERS, *FILE_SERVERS, *SERVICES, *COMPOSITE, *OTHERS)
