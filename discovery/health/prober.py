"""Asking one server, over a connection of its own: the one place of a health check that touches sockets."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Any

from discovery.health.check_request import REDIRECTING, CheckRequest, redirected_request
from discovery.health.check_response import ResponseError, location_in, status_fault, status_of
from discovery.health.resolver import Resolver
from rondpoint.model import HealthCheck

HEAD_LIMIT = 65536
"""Bytes of one line, and of all header lines, that are read."""

MAX_REDIRECTIONS = 10
"""Followed at most, as in Traefik."""

TLS_CLOSE_TIMEOUT = 1.0
"""Seconds that a server has to take note of the end of TLS."""

_LOCAL_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class UndecidedError(Exception):
    """The check could not be made, for a fault of this machine: nothing is known of the server."""


class Prober:
    """Performs checks on the running event loop."""

    def __init__(self) -> None:
        self._resolver = Resolver()
        # As the proxy's, since it is the proxy that will have to reach the server.
        self._tls = ssl.create_default_context()

    async def probe(self, request: CheckRequest, check: HealthCheck) -> str:
        """Why the server is not well; empty when it is. Raises UndecidedError."""
        try:
            async with asyncio.timeout(check.timeout):
                return await self._follow_redirections(request, check)
        except ResponseError as error:
            return str(error)
        except OSError as error:
            if error.errno in _LOCAL_FAULTS:
                raise UndecidedError(os.strerror(error.errno)) from error
            if isinstance(error, TimeoutError) and not error.errno:
                return f"no answer within {check.timeout:g} s"
            return _describe_error(error)

    async def _follow_redirections(self, request: CheckRequest, check: HealthCheck) -> str:
        for _ in range(MAX_REDIRECTIONS + 1):
            status, location = await self._exchange(request)
            if not (check.follow_redirects and location):
                return status_fault(status, check)
            following = redirected_request(request, status, location)
            if following is None:
                return f"it redirects to {location!r}, which cannot be asked"
            request = following
        return f"more than {MAX_REDIRECTIONS} redirections"

    async def _exchange(self, request: CheckRequest) -> tuple[int, str]:
        """The status of the final answer, and where it redirects to, if it does."""
        host, port = request.address
        secure: dict[str, Any] = {}
        if request.secure:
            secure = {"ssl": self._tls, "server_hostname": host, "ssl_shutdown_timeout": TLS_CLOSE_TIMEOUT}
        address = await self._resolver.address(host, port)
        reader, writer = await asyncio.open_connection(address, port, limit=HEAD_LIMIT, **secure)
        try:
            writer.write(request.head())
            while True:
                status = status_of(await _read_line(reader))
                if status in REDIRECTING:
                    return status, await _read_location(reader)
                if status >= 200:
                    return status, ""
                await _read_location(reader)
        finally:
            writer.close()


async def _read_location(reader: asyncio.StreamReader) -> str:
    """Read a head to its end; the Location in it, empty when there is none."""
    location, size = "", 0
    while (line := await _read_line(reader)).strip():
        size += len(line)
        if size > HEAD_LIMIT:
            raise ResponseError("the head of its answer does not end")
        location = location_in(line) or location
    return location


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise ResponseError("the head of its answer does not end") from None


def _describe_error(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved: {error.strerror}"
    if not error.errno:
        return str(error) or "the connection broke"
    words = os.strerror(error.errno)
    return words[:1].lower() + words[1:]
