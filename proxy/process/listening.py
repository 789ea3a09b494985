"""The addresses that gunicorn binds for the entry points, and the entry point of a listening socket."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Mapping

from rondpoint.host_and_port import join_host_port
from rondpoint.settings import EntryPoint, Settings


def bind_addresses(settings: Settings) -> list[str]:
    """Return one address for each entry point for TCP, in gunicorn's spelling."""
    points = settings.entry_points.values()
    return [_format_address(point.host, point.port) for point in points if point.protocol == "tcp"]


def unavailable_addresses(settings: Settings) -> Iterator[str]:
    """Yield an error with a remedy for each entry point that cannot listen; gunicorn would name no remedy."""
    if {"LISTEN_FDS", "GUNICORN_FD"} & set(os.environ):
        # The process inherits open sockets.
        return
    for name, point in settings.entry_points.items():
        host = listening_host(point.host)
        udp = point.protocol == "udp"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
                if not udp:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, point.port))
        except OSError as error:
            yield (
                f"entryPoints.{name}.address: cannot listen on {point.address}: {error.strerror} "
                f"({_remedy(error)}, or use another address: "
                f"--entryPoints.{name}.address=:PORT{'/udp' if udp else ''})"
            )


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "run the proxy as root, or grant CAP_NET_BIND_SERVICE"
    if error.errno == errno.EADDRINUSE:
        return "end the program that uses it"
    return "check that this machine has the address"


def entry_point_of(entry_points: Mapping[str, EntryPoint], address: tuple[str, int]) -> str | None:
    """Return the name of the entry point that a listening socket with this host and port serves."""
    host, port = address
    candidates = [
        name for name, point in entry_points.items() if point.port == port and point.protocol == "tcp"
    ]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    for name in candidates:
        if entry_points[name].host == host:
            return name
    for name in candidates:
        configured = entry_points[name].host
        if not configured or (configured and host in _resolve(configured)):
            return name
    return None


def listening_host(host: str) -> str:
    """Return the host to bind for that of an entry point: all addresses of the machine if it is empty."""
    return host or ("::" if _dual_stack() else "0.0.0.0")  # noqa: S104


def _format_address(host: str, port: int) -> str:
    return join_host_port(listening_host(host), port)


def _dual_stack() -> bool:
    """Return whether an IPv6 socket also serves IPv4 on this machine."""
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            only = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            probe.bind(("::1", 0))
    except OSError:
        return False
    return not only


def _resolve(host: str) -> set[str]:
    return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
