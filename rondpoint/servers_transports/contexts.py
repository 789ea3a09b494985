"""Holds the TLS contexts of transports that are in use: creating one reads files."""

from __future__ import annotations

import ssl
from functools import lru_cache

from rondpoint.model import ServersTransport
from rondpoint.servers_transports.client_context import HTTP_1, create_client_context

MAX_CONTEXTS = 500
"""Contexts that are kept; those that were not needed for the longest time go first."""


class ClientContexts:
    """Creates each context once; `default` is the transport of services that name none.

    Files are read when a context is created. A failure is not kept, so the next attempt reads them again.
    """

    def __init__(self, default: ServersTransport) -> None:
        self.default = default
        self._create = lru_cache(MAX_CONTEXTS)(create_client_context)

    def get(self, transport: ServersTransport | None, protocols: tuple[str, ...] = HTTP_1) -> ssl.SSLContext:
        """Return the context of a transport that offers these protocols; None stands for the default.

        Raises ValueError.
        """
        return self._create(self.default if transport is None else transport, protocols)
