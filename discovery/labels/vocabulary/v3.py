"""Traefik 3's labels, which are its dynamic files as well; middlewares are in `rondpoint.middlewares`."""

from __future__ import annotations

from discovery.labels.vocabulary.composite import COMPOSED
from discovery.labels.vocabulary.label import Label, Standing
from discovery.labels.vocabulary.routers import ROUTERS
from discovery.labels.vocabulary.services import SERVERS, SERVERS_OF_FILES, SERVICES

OTHERS = (
    Label(
        "http.serversTransports.NAME.serverName",
        "a",
        "options of connections to servers",
        values="text",
        standing=Standing.UNSERVED,
    ),
    Label(
        "http.models.NAME.middlewares",
        "a",
        "what routers of an entry point have in common",
        values="a list",
        standing=Standing.UNSERVED,
    ),
)

LABELS = (*ROUTERS, *SERVERS, *SERVICES, *COMPOSED, *OTHERS)
OF_FILES = (*ROUTERS, *SERVERS_OF_FILES, *SERVICES, *COMPOSED, *OTHERS)
