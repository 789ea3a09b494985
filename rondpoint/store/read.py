"""Reading the store: values that cannot be decoded are reported and skipped, never fatal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import redis
from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Middleware, Router, Service
from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.state import State
from rondpoint.store.transaction import read_at_once

__all__ = ["Loaded", "State", "load", "parse_revision", "read_diagnostics", "revision"]

NOTHING = Configuration()

# As publish.lua has it: more digits were no revision of ours, and far more no number to Python.
_REVISION = re.compile(rb"[1-9][0-9]{0,14}")

SLICE = 200
"""Objects decoded without a pause."""

T = TypeVar("T", Router, Service, Middleware)

_routers = msgspec.json.Decoder(Router)
_services = msgspec.json.Decoder(Service)
_middlewares = msgspec.json.Decoder(Middleware)
_diagnostics = msgspec.json.Decoder(tuple[Diagnostic, ...])


class Skipped(Struct, frozen=True):
    """Names in one hash whose values could not be decoded; `whole` when the hash itself could not be read."""

    names: frozenset[str] = frozenset()
    whole: bool = False

    def __contains__(self, name: str) -> bool:
        return self.whole or name in self.names


class Unreadable(Struct, frozen=True):
    """What a reader that already has it should keep, since its absence from the state means nothing."""

    routers: Skipped = Skipped()
    services: Skipped = Skipped()
    middlewares: Skipped = Skipped()


class Loaded(Struct, frozen=True):
    """A state, and what of it could not be read, for people and for readers."""

    state: State
    problems: tuple[Diagnostic, ...] = ()
    unreadable: Unreadable = Unreadable()

    def over(self, known: Configuration) -> State:
        """The state, with the objects of `known` in place of those that could not be read."""
        state, unreadable = self.state, self.unreadable
        return State(
            state.revision,
            _kept(known.routers, unreadable.routers) | state.routers,
            _kept(known.services, unreadable.services) | state.services,
            _kept(known.middlewares, unreadable.middlewares) | state.middlewares,
        )


def parse_revision(value: object) -> int | None:
    """The number in a stored revision; None where there is none, or something else than a number."""
    if not isinstance(value, bytes) or not _REVISION.fullmatch(value):
        return None
    return int(value)


def revision(client: redis.Redis, keys: PublishedKeys) -> int | None:
    """The present revision, None when there is none. Raises redis.RedisError."""
    try:
        return parse_revision(client.get(keys.revision))
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return None
        raise


def _go_on() -> None:
    pass


def load(
    client: redis.Redis,
    keys: PublishedKeys,
    yield_if_due: Callable[[], None] = _go_on,
    known: Configuration = NOTHING,
) -> Loaded | None:
    """The whole state, read at one instant; None when no revision exists. Raises redis.RedisError.

    `yield_if_due` is called every millisecond or so, for whoever has other things to see to. What is equal to an
    object of `known` is that object, and takes no memory of its own.
    """
    commands = [("GET", keys.revision)]
    commands += [("HGETALL", key) for key in (keys.routers, keys.services, keys.middlewares)]
    stored, routers, services, middlewares = _answers(read_at_once(client, commands, yield_if_due))
    number = parse_revision(stored)
    if number is None:
        return None
    problems: list[Diagnostic] = []
    known_routers, skipped_routers = _decoded(
        keys.routers, routers, _routers, problems, yield_if_due, known.routers
    )
    known_services, skipped_services = _decoded(
        keys.services, services, _services, problems, yield_if_due, known.services
    )
    known_middlewares, skipped_middlewares = _decoded(
        keys.middlewares, middlewares, _middlewares, problems, yield_if_due, known.middlewares
    )
    return Loaded(
        State(number, known_routers, known_services, known_middlewares),
        tuple(problems),
        Unreadable(skipped_routers, skipped_services, skipped_middlewares),
    )


def read_diagnostics(client: redis.Redis, keys: PublishedKeys) -> tuple[Diagnostic, ...]:
    """The published diagnostics in order of source. Raises redis.RedisError."""
    try:
        fields: Any = client.hgetall(keys.diagnostics)
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return (_wrong_type(keys.diagnostics),)
        raise
    found: list[Diagnostic] = []
    for source, value in sorted(fields.items()):
        try:
            group = decoded(_diagnostics, value)
        except msgspec.MsgspecError as error:
            group = (_undecodable(keys.diagnostics, source, error),)
        found += group
    return tuple(found)


def _kept(known: Mapping[str, T], unreadable: Skipped) -> dict[str, T]:
    return {name: value for name, value in known.items() if name in unreadable}


def _answers(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception) and not is_wrong_type(answer):
            raise answer
    return answers


def _decoded(
    key: str,
    fields: Any,
    decoder: msgspec.json.Decoder[T],
    problems: list[Diagnostic],
    yield_if_due: Callable[[], None],
    known: Mapping[str, T],
) -> tuple[dict[str, T], Skipped]:
    if isinstance(fields, redis.ResponseError):
        problems.append(_wrong_type(key))
        return {}, Skipped(whole=True)
    objects: dict[str, T] = {}
    skipped: set[str] = set()
    for number, (raw, value) in enumerate(_taken(fields)):
        if not number % SLICE:
            yield_if_due()
        try:
            name = raw.decode()
            item = decoded(decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            problems.append(_undecodable(key, raw, error))
            skipped.add(raw.decode(errors="replace"))
            continue
        if item.name != name:
            problems.append(_undecodable(key, raw, ValueError("the value bears another name")))
            skipped.add(name)
            continue
        before = known.get(name)
        if before == item:
            item = before
        # Not `name`, which is another copy of it.
        objects[item.name] = item
    return objects, Skipped(frozenset(skipped))


def _taken(fields: Any) -> Iterator[tuple[bytes, bytes]]:
    """The fields of a hash as the store's newer protocol gives it, or the older one.

    They are taken out of it: to let go of many at once takes time, and to keep them memory.
    """
    if isinstance(fields, dict):
        while fields:
            yield fields.popitem()
    while fields:
        value = fields.pop()
        yield fields.pop(), value


def _wrong_type(key: str) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        "store",
        key,
        "the key is not a hash, so that nothing can be read from it",
        "the agent writes it anew when it next starts or finds its revision gone",
    )


def _undecodable(key: str, field: bytes, error: Exception) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        "store",
        f"{key}: {field.decode(errors='replace')}",
        f"the stored value cannot be decoded: {error}",
        "only the agent should write here",
    )
