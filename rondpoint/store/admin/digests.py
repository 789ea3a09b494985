"""Digests of published objects, which show whether a change is in force."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from rondpoint.model import Middleware, Router, ServerState, Service
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService

AnyObject = Router | Service | Middleware | TcpRouter | TcpService | UdpRouter | UdpService


def digest(item: AnyObject) -> str:
    """Return the digest of an object, without the states of its servers, which its author does not set.

    Nor does the author set the transport of a service, but only its name.
    """
    if isinstance(item, Service | TcpService | UdpService):
        servers = tuple(replace(server, state=ServerState.UP) for server in item.servers)
        item = replace(item, servers=servers)
    if isinstance(item, Service | TcpService):
        item = replace(item, transport=None)
    return blake2b(msgspec.json.encode(item), digest_size=12).hexdigest()
