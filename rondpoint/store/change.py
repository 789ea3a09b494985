"""The message that publishes the difference of a new revision."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from rondpoint.model import Middleware, Router, Service
from rondpoint.store.decoding import decode_json
from rondpoint.store.sections import SECTIONS
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpService

MESSAGE_LIMIT = 256 * 1024
"""Bytes of JSON; a larger change is published without its contents."""


class Change(Struct, frozen=True, omit_defaults=True):
    """The difference between `previous` and `revision`; None stands for a removed object.

    A reader applies it only if its own revision is `previous`; otherwise it has missed a revision and reads
    the whole state. With `full` the reader must read the whole state as well: the contents were too large, or
    the publisher did not know the stored state. With `diagnostics` the diagnostics have changed too; only
    contributions publish that. `at` is the time of publication in Unix seconds by the publisher's clock, or
    0.
    """

    revision: int
    previous: int
    full: bool = False
    routers: dict[str, Router | None] = field(default_factory=dict)
    services: dict[str, Service | None] = field(default_factory=dict)
    middlewares: dict[str, Middleware | None] = field(default_factory=dict)
    at: float = 0.0
    diagnostics: bool = False
    tls_options: dict[str, TlsOptions | None] = field(default_factory=dict)
    certificates: dict[str, Certificate | None] = field(default_factory=dict)
    tcp_routers: dict[str, TcpRouter | None] = field(default_factory=dict)
    tcp_services: dict[str, TcpService | None] = field(default_factory=dict)
    tcp_middlewares: dict[str, Middleware | None] = field(default_factory=dict)
    udp_routers: dict[str, UdpRouter | None] = field(default_factory=dict)
    udp_services: dict[str, UdpService | None] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether the change holds no difference."""
        return not (self.full or self.diagnostics or any(getattr(self, name) for name in SECTIONS))


def encode(change: Change) -> bytes:
    """Encode `change` as a message, without its contents if it would exceed MESSAGE_LIMIT."""
    if not change.full:
        message = msgspec.json.encode(change)
        if len(message) <= MESSAGE_LIMIT:
            return message
    return msgspec.json.encode(Change(change.revision, change.previous, full=True, at=change.at))


_decoder = msgspec.json.Decoder(Change)


def decode(message: bytes) -> Change:
    """Decode a message. Raises msgspec.MsgspecError (a ValueError) for anything but a Change."""
    return decode_json(_decoder, message)
