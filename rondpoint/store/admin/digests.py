"""Whether an object in force is the one that was asked for."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from rondpoint.model import Middleware, Router, ServerState, Service


def digest(item: Router | Service | Middleware) -> str:
    """Of all that its author decides: the state of servers is none of that."""
    if isinstance(item, Service):
        servers = tuple(replace(server, state=ServerState.UP) for server in item.servers)
        item = replace(item, servers=servers)
    return blake2b(msgspec.json.encode(item), digest_size=12).hexdigest()
