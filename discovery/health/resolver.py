"""Resolves server names in daemon threads.

asyncio waits for its own resolver threads when the agent ends, for as long as a name server does not respond.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import ip_address

MAX_CONCURRENT = 16


class Resolver:
    """The resolver of one event loop; it looks up at most MAX_CONCURRENT names at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def address(self, host: str, port: int) -> str:
        """Return the host's address, IPv4 if it has both kinds. Raises OSError."""
        if _is_address(host):
            return host
        async with self._slots:
            found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            threading.Thread(target=_look_up, args=(host, port, found), name="resolver", daemon=True).start()
            return await found


def _look_up(host: str, port: int, found: asyncio.Future[str]) -> None:
    address, fault = "", None
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        address = str(min(entries, key=lambda entry: entry[0] != socket.AF_INET)[4][0])
    except (OSError, UnicodeError) as error:
        fault = error if isinstance(error, OSError) else OSError(f"{host!r} cannot be a host name")

    def resolve() -> None:
        # The caller may have been cancelled.
        if not found.done():
            found.set_exception(fault) if fault else found.set_result(address)

    try:
        found.get_loop().call_soon_threadsafe(resolve)
    except RuntimeError:
        return  # The loop has ended, so no caller waits any more.


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
