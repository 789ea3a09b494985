"""Probes one server over a new connection; the only part of the health checks that uses sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from discovery.health import grpc_check
from discovery.health.check_request import REDIRECT_STATUSES, CheckRequest, redirected_request
from discovery.health.check_response import ResponseError, parse_location, parse_status, status_fault
from discovery.health.connection_faults import connection_fault
from discovery.health.resolver import Resolver
from rondpoint.model import HealthCheck, ServersTransport
from rondpoint.servers_transports.client_context import has_uri
from rondpoint.servers_transports.contexts import ClientContexts

if TYPE_CHECKING:
    from discovery.health.http2_exchange import Http2Exchange

MAX_HEAD = 65536
"""The most bytes that are read of one line, and of all header lines together."""

MAX_REDIRECTIONS = 10
"""The most redirects that are followed, as in Traefik."""

TLS_CLOSE_TIMEOUT = 1.0
"""Seconds that a server has to complete the shutdown of TLS."""

_READ_SIZE = 65536

_HEAD_TOO_LONG = f"the head of its response is longer than {MAX_HEAD} bytes"


class Prober:
    """Sends the requests of health checks on the running event loop.

    It connects under the transport of the service, because the proxy must be able to reach the server so.
    """

    def __init__(self, contexts: ClientContexts) -> None:
        self._resolver = Resolver()
        self._contexts = contexts

    async def probe(
        self, request: CheckRequest, check: HealthCheck, transport: ServersTransport | None = None
    ) -> str:
        """Probe a server; return why it is down, or an empty text if it is up. Raises UndecidedError."""
        try:
            async with asyncio.timeout(check.timeout):
                if check.mode == "grpc":
                    return await self._call(request, transport or self._contexts.default)
                return await self._follow_redirections(request, check, transport)
        except ResponseError as error:
            return str(error)
        except OSError as os_error:
            return connection_fault(os_error, check.timeout)

    async def _follow_redirections(
        self, request: CheckRequest, check: HealthCheck, transport: ServersTransport | None
    ) -> str:
        for _ in range(MAX_REDIRECTIONS + 1):
            status, location = await self._exchange(request, transport or self._contexts.default)
            if not (check.follow_redirects and location):
                return status_fault(status, check)
            following = redirected_request(request, status, location)
            if following is None:
                return f"it redirects to {location!r}, which is not usable"
            request = following
        return f"more than {MAX_REDIRECTIONS} redirections"

    async def _call(self, request: CheckRequest, transport: ServersTransport) -> str:
        """Make the call of a gRPC check; return why it fails, or an empty text."""
        async with self._connected(request, transport) as (reader, writer):
            exchange = _http2_exchange(request, grpc_check.EMPTY_MESSAGE)
            await _exchange_http2(exchange, reader, writer)
            return grpc_check.call_fault(exchange.fields, exchange.content)

    async def _exchange(self, request: CheckRequest, transport: ServersTransport) -> tuple[int, str]:
        """Send a request; return the final response's status, and its Location if it is a redirect."""
        async with self._connected(request, transport) as (reader, writer):
            if request.http2:
                exchange = _http2_exchange(request)
                await _exchange_http2(exchange, reader, writer, only_head=True)
                status = int(exchange.fields[":status"])
                return status, exchange.fields.get("location", "") if status in REDIRECT_STATUSES else ""
            writer.write(request.head())
            while True:
                status = parse_status(await _read_line(reader))
                if status in REDIRECT_STATUSES:
                    return status, await _read_location(reader)
                if status >= 200:
                    return status, ""
                await _read_location(reader)

    @asynccontextmanager
    async def _connected(
        self, request: CheckRequest, transport: ServersTransport
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection for this request, and close it at the end."""
        host, port = request.address
        tls_options: dict[str, Any] = {}
        if request.uses_tls:
            try:
                context = self._contexts.get(transport, http2=request.http2)
            except ValueError as error:
                raise ResponseError(f"serversTransport {transport.name}: {error}") from None
            tls_options = {
                "ssl": context,
                "server_hostname": transport.server_name or host,
                "ssl_shutdown_timeout": TLS_CLOSE_TIMEOUT,
            }
        address = await self._resolver.address(host, port)
        reader, writer = await asyncio.open_connection(address, port, limit=MAX_HEAD, **tls_options)
        try:
            uri = transport.peer_cert_uri
            if request.uses_tls and uri and not has_uri(writer.get_extra_info("peercert"), uri):
                raise ResponseError(f"its certificate lacks the URI {uri}")
            if request.uses_tls and request.http2:
                chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
                if chosen != "h2":
                    raise ResponseError("it does not speak HTTP/2 over TLS")
            yield reader, writer
        finally:
            writer.close()


def _http2_exchange(request: CheckRequest, content: bytes = b"") -> Http2Exchange:
    # Its library takes 2 MB, and most agents check over HTTP/1.1.
    from discovery.health.http2_exchange import Http2Exchange  # noqa: PLC0415

    return Http2Exchange(request.fields(), content)


async def _exchange_http2(
    exchange: Http2Exchange,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    only_head: bool = False,
) -> None:
    """Send the request and receive its response, or only the head of it."""
    while not (exchange.finished or (only_head and exchange.begun)):
        writer.write(exchange.output())
        exchange.receive(await reader.read(_READ_SIZE))


async def _read_location(reader: asyncio.StreamReader) -> str:
    """Read a head to its end; return its Location, empty if there is none."""
    location, size = "", 0
    while (line := await _read_line(reader)).strip():
        size += len(line)
        if size > MAX_HEAD:
            raise ResponseError(_HEAD_TOO_LONG)
        location = parse_location(line) or location
    return location


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise ResponseError(_HEAD_TOO_LONG) from None
