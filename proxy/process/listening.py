"""The addresses of the entry points as gunicorn binds them, and from a socket back to its entry point."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Mapping

from rondpoint.settings import EntryPoint, Settings


def bind_addresses(settings: Settings) -> list[str]:
    """What to listen on, one address an entry point, in gunicorn's spelling."""
    return [_spelled(point.host, point.port) for point in settings.entry_points.values()]


def not_to_be_had(settings: Settings) -> Iterator[str]:
    """What keeps each entry point from listening, if anything, and what mends it: gunicorn says only that."""
    if {"LISTEN_FDS", "GUNICORN_FD"} & set(os.environ):
        # The sockets are there already.
        return
    for name, point in settings.entry_points.items():
        host = point.host or ("::" if _dual_stack() else "0.0.0.0")  # noqa: S104
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, point.port))
        except OSError as error:
            yield (
                f"entryPoints.{name}.address: {point.address} cannot be listened on: {error.strerror} "
                f"({_mend(error)}, or name another one: --entryPoints.{name}.address=:PORT)"
            )


def _mend(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "run it as root, or grant CAP_NET_BIND_SERVICE"
    if error.errno == errno.EADDRINUSE:
        return "end the program that has it"
    return "see that the address is this machine's"


def entry_point_of(entry_points: Mapping[str, EntryPoint], address: tuple[str, int]) -> str | None:
    """The name of the entry point that a listening socket with this host and port serves."""
    host, port = address
    named = [name for name, point in entry_points.items() if point.port == port]
    if len(named) < 2:
        return named[0] if named else None
    for name in named:
        if entry_points[name].host == host:
            return name
    for name in named:
        wanted = entry_points[name].host
        if not wanted or (wanted and host in _resolved(wanted)):
            return name
    return None


def _spelled(host: str, port: int) -> str:
    host = host or ("::" if _dual_stack() else "0.0.0.0")  # noqa: S104 (an entry point without a host is for all)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _dual_stack() -> bool:
    """Whether one IPv6 socket serves IPv4 as well here."""
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            only = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            probe.bind(("::1", 0))
    except OSError:
        return False
    return not only


def _resolved(host: str) -> set[str]:
    return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
