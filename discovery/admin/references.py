"""Who would miss a service or a middleware that is taken out, of whatever provider."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.proposals import FieldDiagnostic
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys

MAX_REPORTED = 20
"""Of those who miss it, so many are told."""

SCAN_COUNT = 1000
"""Objects that are asked for with one command."""


class _Member(Struct, frozen=True):
    name: str


class _Referring(Struct, frozen=True):
    """What a published router or service says of others."""

    service: str = ""
    middlewares: tuple[str, ...] = ()
    members: tuple[_Member, ...] = ()


_decoder = msgspec.json.Decoder(_Referring)


def find_references(client: redis.Redis, keys: Keys, kind: str, name: str) -> Iterator[FieldDiagnostic]:
    """A warning for each router or service that refers to this `service` or `middleware`, a qualified name.

    Raises redis.RedisError.
    """
    routers = ("router", keys.routers, "is left out")
    services = ("service", keys.services, "does without it")
    for user, key, consequence in (routers, services):
        names = _referring_names(client, key, kind, name)
        for other in islice(names, MAX_REPORTED):
            yield FieldDiagnostic(f"{user} {other} refers to it, and {consequence}")


def _referring_names(client: redis.Redis, key: str, kind: str, name: str) -> Iterator[str]:
    found: Any = client.hscan_iter(key, count=SCAN_COUNT)
    for other, value in found:
        try:
            item = decoded(_decoder, value)
        except msgspec.MsgspecError:
            continue
        names = (
            item.middlewares
            if kind == "middleware"
            else (item.service, *(member.name for member in item.members))
        )
        if name in names:
            yield other.decode()
