"""Receives and sends the datagrams of an entry point, from the local address that the client has used.

A socket for all addresses of the machine must name that address in each reply: the kernel would take the one
of the route, and the client would discard the reply. It comes with each datagram as ancillary data, which the
reply carries back (`IP_PKTINFO`, `IPV6_PKTINFO`).
"""

from __future__ import annotations

import _socket
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

MAX_DATAGRAM = 65_536

_IP_PKTINFO = 8  # `socket` of Python 3.11 does not name it
_ANCILLARY_BYTES = _socket.CMSG_SPACE(struct.calcsize("=I16s")) * 2

Client = tuple[Any, ...]
"""The address of a client as the socket gives it."""

Local = list[tuple[int, int, bytes]]
"""The ancillary data that names the local address; empty for a socket with an address of its own."""

Key = tuple[Any, ...]
"""A client and the local address that it uses; what tells sessions apart."""

Receive = Callable[[], tuple[int, Client, Local]]
"""Receives one datagram into a buffer; returns its size, and where it came from. Raises OSError."""

Reply = Callable[[Any, Local, Client], object]
"""Sends a datagram to a client. Raises OSError."""


class EntryPointSocket(NamedTuple):
    """The verbs of one socket of an entry point; the socket itself is closed by its owner."""

    sock: Any
    receive: Receive
    reply: Reply


def entry_point_socket(sock: Any, buffer: bytearray) -> EntryPointSocket:
    """Return the verbs of a bound socket; datagrams come into `buffer`, of MAX_DATAGRAM bytes."""
    if not is_for_all_addresses(sock):
        return EntryPointSocket(sock, _plain_receive(sock, buffer), _plain_reply(sock))
    if sock.family == _socket.AF_INET6:
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(_socket.IPPROTO_IP, _IP_PKTINFO, 1)
    return EntryPointSocket(sock, _receive_with_local(sock, buffer), _reply_from_local(sock))


def key_of(client: Client, local: Local) -> Key:
    """Return the key of the session of datagrams with this source and ancillary data."""
    return (client, local[0][2]) if local else client


def is_for_all_addresses(sock: Any) -> bool:
    """Return whether the socket is bound to all addresses of the machine."""
    return sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104 - only compared


def _plain_receive(sock: Any, buffer: bytearray) -> Receive:
    receive = sock.recvfrom_into
    local: Local = []

    def plain() -> tuple[int, Client, Local]:
        size, client = receive(buffer)
        return size, client, local

    return plain


def _plain_reply(sock: Any) -> Reply:
    send = sock.sendto
    return lambda datagram, _local, client: send(datagram, client)


def _receive_with_local(sock: Any, buffer: bytearray) -> Receive:
    receive, buffers = sock.recvmsg_into, [buffer]

    def with_local() -> tuple[int, Client, Local]:
        size, ancillary, _, client = receive(buffers, _ANCILLARY_BYTES)
        return size, client, _source(ancillary)

    return with_local


def _reply_from_local(sock: Any) -> Reply:
    send = sock.sendmsg
    return lambda datagram, local, client: send((datagram,), local, 0, client)


def _source(ancillary: Local) -> Local:
    """Return the local address as that of a reply: the interface is the route's."""
    for level, kind, data in ancillary:
        if level == _socket.IPPROTO_IPV6 and kind == _socket.IPV6_PKTINFO:
            # A link-local address is unique only on its interface.
            link_local = data[0] == 0xFE and data[1] & 0xC0 == 0x80
            return [(level, kind, data if link_local else data[:16] + bytes(4))]
        if level == _socket.IPPROTO_IP and kind == _IP_PKTINFO:
            # Received: interface, local address, destination. Sent: the kernel takes the local address.
            return [(level, kind, bytes(4) + data[4:8] + bytes(4))]
    return []
