"""The counts of TCP connections and UDP sessions in the store: one hash per worker, apart from requests.

A field is a JSON array, a `ConnectionKey`. It stands for a router with its service; for a server of a
service; or, with neither router nor server, for what removed routers have sent to a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.store.decoding import decode_json
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService

Layer4 = Literal["tcp", "udp"]


class ConnectionKey(Struct, frozen=True, array_like=True, gc=False):
    """What is counted; `server` is a URL, such as `tcp://10.0.0.7:5432`."""

    protocol: Layer4
    router: str
    service: str
    server: str = ""

    @property
    def field(self) -> str:
        """The field in the store."""
        return msgspec.json.encode(self).decode()


class ConnectionCounts(Struct, frozen=True, omit_defaults=True, gc=False):
    """Connections, or sessions, since a worker started; no value but `open` ever falls.

    `forwarded` ones got a server. `refused` ones were not admitted; `failed` ones found no server; `aborted`
    ones ended before they had one. `received` and `sent` are bytes from clients to servers and from servers
    to clients. `dropped` are datagrams without a server. Of a server, `failed` counts failed attempts to
    reach it.
    """

    forwarded: int = 0
    refused: int = 0
    failed: int = 0
    aborted: int = 0
    open: int = 0
    received: int = 0
    sent: int = 0
    dropped: int = 0


_key_decoder = msgspec.json.Decoder(ConnectionKey)
_decoder = msgspec.json.Decoder(ConnectionCounts)


def parse_connection_field(field: str) -> ConnectionKey:
    """Return the key of a field. Raises msgspec.MsgspecError."""
    return _key_decoder.decode(field)


def decode_connections(field: str, value: bytes) -> ConnectionCounts:
    """Decode one field of a hash. Raises msgspec.MsgspecError, also if the field is no key."""
    parse_connection_field(field)
    return decode_json(_decoder, value)


def decode_ended(field: str, value: bytes) -> ConnectionCounts:
    """Decode one field of a worker that has ended, and all of its connections with it."""
    return replace(decode_connections(field, value), open=0)


def add_connections(one: ConnectionCounts, other: ConnectionCounts) -> ConnectionCounts:
    """Return the sum of both."""
    return ConnectionCounts(
        one.forwarded + other.forwarded,
        one.refused + other.refused,
        one.failed + other.failed,
        one.aborted + other.aborted,
        one.open + other.open,
        one.received + other.received,
        one.sent + other.sent,
        one.dropped + other.dropped,
    )


class ActiveConnections:
    """Says what of a live `configuration` keys of counts stand for."""

    def __init__(self, configuration: Configuration) -> None:
        self._routers: dict[Layer4, Mapping[str, TcpRouter] | Mapping[str, UdpRouter]] = {
            "tcp": configuration.tcp_routers,
            "udp": configuration.udp_routers,
        }
        self._services: dict[Layer4, Mapping[str, TcpService] | Mapping[str, UdpService]] = {
            "tcp": configuration.tcp_services,
            "udp": configuration.udp_services,
        }
        self._urls: dict[tuple[Layer4, str], frozenset[str]] = {}

    def successor(self, key: ConnectionKey) -> ConnectionKey | None:
        """Return the key that continues these counts; None if nothing does.

        This is the same key, unless its router was removed or names another service.
        """
        if key.server:
            return key if key.server in self._servers(key) else None
        if key.router:
            router = self._routers[key.protocol].get(key.router)
            if router is not None and router.service == key.service:
                return key
        return ConnectionKey(key.protocol, "", key.service) if self.has_service(key) else None

    def has_service(self, key: ConnectionKey) -> bool:
        """Return whether the service of a key exists."""
        return key.service in self._services[key.protocol]

    def target_field(self, field: str, _counts: ConnectionCounts) -> str | None:
        """Return the field that continues these counts, or None."""
        key = self.successor(parse_connection_field(field))
        return None if key is None else key.field

    def is_removed(self, field: bytes) -> bool:
        """Return whether nothing in the configuration continues this field."""
        try:
            return self.successor(_key_decoder.decode(field)) is None
        except msgspec.MsgspecError:
            return True

    def _servers(self, key: ConnectionKey) -> frozenset[str]:
        known = key.protocol, key.service
        urls = self._urls.get(known)
        if urls is None:
            service = self._services[key.protocol].get(key.service)
            servers = () if service is None else service.servers
            urls = self._urls[known] = frozenset(f"{key.protocol}://{server.address}" for server in servers)
        return urls


NOTHING_ACTIVE = ActiveConnections(Configuration())
