"""Probes one TCP server over a new connection: connects, sends, and reads what is expected."""

from __future__ import annotations

import asyncio

from discovery.health.connection_faults import connection_fault
from discovery.health.resolver import Resolver
from discovery.health.tcp_check import checked_port, proxy_header, response_fault
from rondpoint.model import ServersTransport
from rondpoint.servers_transports.client_context import has_uri
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.tcp.model import TcpHealthCheck, TcpServer, TcpServersTransport

_DEFAULT = TcpServersTransport("")
_VERIFYING = ServersTransport("")
"""The options of TLS to servers if the transport has none: the certificate must be valid for the host."""


class TcpProber:
    """Makes the checks of TCP services on the running event loop.

    It connects under the transport of the service, because the proxy must be able to reach the server so.
    """

    def __init__(self, contexts: ClientContexts) -> None:
        self._resolver = Resolver()
        self._contexts = contexts

    async def probe(
        self, server: TcpServer, check: TcpHealthCheck, transport: TcpServersTransport | None = None
    ) -> str:
        """Probe a server; return why it is down, or an empty text if it is up. Raises UndecidedError."""
        try:
            async with asyncio.timeout(check.timeout):
                return await self._exchange(server, check, transport or _DEFAULT)
        except OSError as os_error:
            # Errors of certificates are values' errors as well, so this comes first.
            return connection_fault(os_error, check.timeout)
        except ValueError as error:
            return str(error)

    async def _exchange(
        self, server: TcpServer, check: TcpHealthCheck, transport: TcpServersTransport
    ) -> str:
        address = await self._resolver.address(server.host, checked_port(server, check))
        reader, writer = await asyncio.open_connection(address, checked_port(server, check))
        try:
            writer.write(proxy_header(transport.proxy_protocol))
            if server.tls:
                await self._start_tls(server, transport, writer)
            writer.write(check.send.encode())
            await writer.drain()
            expected = check.expect.encode()
            return response_fault(await _read(reader, len(expected)), expected)
        finally:
            writer.close()

    async def _start_tls(
        self, server: TcpServer, transport: TcpServersTransport, writer: asyncio.StreamWriter
    ) -> None:
        options = transport.tls or _VERIFYING
        try:
            context = self._contexts.get(options, http=False)
        except ValueError as error:
            raise ValueError(f"serversTransport {transport.name}: {error}") from None
        await writer.start_tls(context, server_hostname=options.server_name or server.host)
        uri = options.peer_cert_uri
        if uri and not has_uri(writer.get_extra_info("peercert"), uri):
            raise ValueError(f"its certificate lacks the URI {uri}")


async def _read(reader: asyncio.StreamReader, size: int) -> bytes:
    """Read this many bytes, or fewer if the server ends its stream."""
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        return error.partial
