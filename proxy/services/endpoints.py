"""The endpoints that current services use: one for each address and transport.

Services share the connections to an address only under the same transport. Otherwise a request could use a
connection that was made with other checks than its service asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from proxy.upstream.endpoint import Address, Endpoint, address_of
from proxy.upstream.http2_connection import Http2Timeouts
from proxy.upstream.pool import Pool
from proxy.upstream.server_tls import ServerTls
from rondpoint.model import Server, ServersTransport, Service

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from rondpoint.servers_transports.contexts import ClientContexts


class Endpoints:
    """Endpoints by address and transport; `stall_limit` in seconds, 0 for none."""

    def __init__(self, sweeper: Sweeper, contexts: ClientContexts, stall_limit: float) -> None:
        self._sweeper = sweeper
        self._contexts = contexts
        self._stall_limit = stall_limit
        self._by_address: dict[Address, dict[ServersTransport | None, Endpoint]] = {}

    def __len__(self) -> int:
        return len(self._by_address)

    def at(self, address: Address) -> Iterable[Endpoint]:
        """Return all endpoints at this address."""
        return self._by_address.get(address, {}).values()

    def fault(self, service: Service) -> str:
        """Return why no connection can be made to the servers of a service, or an empty text.

        A service with a transport of its own is faulty even if none of its servers uses TLS.
        """
        transport = service.transport
        if transport is None and not any(server.scheme == "https" for server in service.servers):
            return ""
        try:
            self._contexts.get(transport, http2=not self._options(transport).disable_http2)
        except ValueError as error:
            named = self._contexts.default if transport is None else transport
            return f"its serversTransport {named.name}: {error}"
        return ""

    def open(self, server: Server, transport: ServersTransport | None, *, ejected: bool) -> Endpoint:
        """Return the endpoint of a server; create it if there is none. Raises ValueError as `fault` says."""
        address = address_of(server)
        endpoint = self._by_address.get(address, {}).get(transport)
        if endpoint is None:
            endpoint = Endpoint(self._pool(server, transport), transport, ejected=ejected)
            self._by_address.setdefault(address, {})[transport] = endpoint
        return endpoint

    def close_if_unused(self, endpoint: Endpoint, address: Address) -> bool:
        """Close an endpoint without targets; return whether no other is left at its address."""
        if endpoint.targets:
            return False
        shared = self._by_address[address]
        del shared[endpoint.transport]
        endpoint.pool.close()
        if shared:
            return False
        del self._by_address[address]
        return True

    def _pool(self, server: Server, transport: ServersTransport | None) -> Pool:
        options = self._options(transport)
        tls = None
        http2 = server.scheme == "h2c"
        if server.scheme == "https":
            http2 = not options.disable_http2
            tls = ServerTls(
                self._contexts.get(transport, http2=http2),
                options.server_name,
                options.peer_cert_uri,
                partial(self._contexts.get, transport) if http2 else None,
            )
        limit = options.max_idle_connections
        return Pool(
            (server.host, server.port),
            self._sweeper,
            options.dial_timeout,
            options.idle_timeout,
            tls,
            self._stall_limit,
            options.response_header_timeout,
            max(limit, 0) if limit else Pool.IDLE_LIMIT,
            Http2Timeouts(options.idle_timeout, options.read_idle_timeout, options.ping_timeout)
            if http2
            else None,
        )

    def _options(self, transport: ServersTransport | None) -> ServersTransport:
        return self._contexts.default if transport is None else transport
