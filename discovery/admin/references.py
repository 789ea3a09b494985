"""Finds the published routers and services, of any provider, that refer to an object to be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.proposals import FieldDiagnostic
from rondpoint.store.admin.sections import NOUNS
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

MAX_REPORTED = 20
"""The most routers, and the most services, that are reported."""

SCAN_COUNT = 1000
"""The number of objects that one HSCAN command should return."""


LEFT_OUT = "will be left out"
WITHOUT = "will work without it"


class _Named(Struct, frozen=True):
    name: str


class _Mirroring(Struct, frozen=True):
    mirrors: tuple[_Named, ...] = ()


class _Referring(Struct, frozen=True):
    """The references of a published router or service."""

    service: str = ""
    middlewares: tuple[str, ...] = ()
    members: tuple[_Named, ...] = ()
    parents: tuple[str, ...] = ()
    mirroring: _Mirroring = _Mirroring()

    @property
    def services(self) -> tuple[str, ...]:
        return (self.service, *(each.name for each in (*self.members, *self.mirroring.mirrors)))


_decoder = msgspec.json.Decoder(_Referring)


_USERS: dict[str, tuple[tuple[str, str], ...]] = {
    "routers": (("routers", "will be left out, unless it has another parent"),),
    "services": (("routers", LEFT_OUT), ("services", WITHOUT)),
    "middlewares": (("routers", LEFT_OUT), ("services", WITHOUT)),
    "tcp_services": (("tcp_routers", LEFT_OUT), ("tcp_services", WITHOUT)),
    "tcp_middlewares": (("tcp_routers", LEFT_OUT),),
    "udp_services": (("udp_routers", LEFT_OUT), ("udp_services", WITHOUT)),
}
"""The sections of the objects that may refer to an object of a section, and what will become of them."""


def find_references(client: redis.Redis, keys: Keys, section: str, name: str) -> Iterator[FieldDiagnostic]:
    """Yield a warning for each router and service that refers to an object.

    `section` is that of `Configuration`, `name` the qualified name. Raises redis.RedisError.
    """
    for user, consequence in _USERS.get(section, ()):
        names = _referring_names(client, getattr(keys, user), NOUNS[section].rpartition(" ")[2], name)
        for other in islice(names, MAX_REPORTED):
            yield FieldDiagnostic(f"{NOUNS[user]} {other} refers to it and {consequence}")


def _referring_names(client: redis.Redis, key: str, kind: str, name: str) -> Iterator[str]:
    found: Any = client.hscan_iter(key, count=SCAN_COUNT)
    for other, value in found:
        try:
            item = decode_json(_decoder, value)
        except msgspec.MsgspecError:
            continue
        if name in _references(item, kind):
            yield other.decode()


def _references(item: _Referring, kind: str) -> tuple[str, ...]:
    """Return the names of this kind that a router or service refers to."""
    if kind == "router":
        return item.parents
    if kind == "middleware":
        return item.middlewares
    return item.services
