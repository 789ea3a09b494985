"""Holds the TLS contexts of transports that are in use: creating one reads files."""

from __future__ import annotations

import ssl
from functools import lru_cache, partial

from rondpoint.model import ServersTransport
from rondpoint.servers_transports.client_context import OpenKey, create_client_context

MAX_CONTEXTS = 500
"""Contexts that are kept; those that were not needed for the longest time go first."""


class ClientContexts:
    """Creates each context once; `default` is the transport of services that name none.

    `open_key` opens private keys that providers have sealed.

    Files are read when a context is created. A failure is not kept, so the next attempt reads them again.
    """

    def __init__(self, default: ServersTransport, open_key: OpenKey = str) -> None:
        self.default = default
        self._create = lru_cache(MAX_CONTEXTS)(partial(create_client_context, open_key=open_key))

    def get(
        self, transport: ServersTransport | None, *, http: bool = True, http2: bool = False
    ) -> ssl.SSLContext:
        """Return the context of a transport; None stands for the default. Raises ValueError.

        With `http2` it offers HTTP/2, too, and without `http` no protocol.
        """
        return self._create(self.default if transport is None else transport, http=http, http2=http2)
