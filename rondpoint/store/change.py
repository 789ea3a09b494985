"""The message that tells readers what a new revision changed."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from rondpoint.model import Middleware, Router, Service
from rondpoint.store.decoding import decoded

MESSAGE_LIMIT = 256 * 1024
"""Bytes of JSON; a larger change is told without its contents."""


class Change(Struct, frozen=True, omit_defaults=True):
    """The difference between `previous` and `revision`; None stands for a removed object.

    A reader applies it only when it stands at `previous`; otherwise it has missed a revision and reads
    the whole state. With `full` the contents were too large to carry, or nothing is known of what was
    stored before: the whole state is to be read as well. With `diagnostics` those have changed too; only
    parts of agents tell it. `at` is when it was published, in Unix seconds by the publisher's clock, or 0.
    """

    revision: int
    previous: int
    full: bool = False
    routers: dict[str, Router | None] = field(default_factory=dict)
    services: dict[str, Service | None] = field(default_factory=dict)
    middlewares: dict[str, Middleware | None] = field(default_factory=dict)
    at: float = 0.0
    diagnostics: bool = False

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.full or self.diagnostics or self.routers or self.services or self.middlewares)


def encode(change: Change) -> bytes:
    """The message for `change`: whole when it is within MESSAGE_LIMIT, else without contents."""
    if not change.full:
        message = msgspec.json.encode(change)
        if len(message) <= MESSAGE_LIMIT:
            return message
    return msgspec.json.encode(Change(change.revision, change.previous, full=True, at=change.at))


_decoder = msgspec.json.Decoder(Change)


def decode(message: bytes) -> Change:
    """Raises msgspec.MsgspecError (a ValueError) for anything but a Change."""
    return decoded(_decoder, message)
