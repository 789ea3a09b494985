"""Finds the published routers and services, of any provider, that refer to an object to be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.proposals import FieldDiagnostic
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

MAX_REPORTED = 20
"""The most routers, and the most services, that are reported."""

SCAN_COUNT = 1000
"""The number of objects that one HSCAN command should return."""


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


def find_references(client: redis.Redis, keys: Keys, kind: str, name: str) -> Iterator[FieldDiagnostic]:
    """Yield a warning for each router and service that refers to an object.

    `kind` is `router`, `service` or `middleware`, `name` the qualified name. Raises redis.RedisError.
    """
    users = [("router", keys.routers, "will be left out")]
    if kind == "router":
        users = [("router", keys.routers, "will be left out, unless it has another parent")]
    else:
        users.append(("service", keys.services, "will work without it"))
    for user, key, consequence in users:
        names = _referring_names(client, key, kind, name)
        for other in islice(names, MAX_REPORTED):
            yield FieldDiagnostic(f"{user} {other} refers to it and {consequence}")


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
