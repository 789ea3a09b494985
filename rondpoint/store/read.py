"""Reads configurations from the store; it reports and skips values that cannot be decoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.sections import SECTIONS, sections_of
from rondpoint.store.state import State
from rondpoint.store.transaction import read_atomically

__all__ = ["Loaded", "State", "load", "parse_revision", "read_diagnostics", "revision"]

NOTHING = Configuration()

# The same limit as in publish.lua. No revision of ours has more digits, and Python refuses very long numbers.
_REVISION = re.compile(rb"[1-9][0-9]{0,14}")

SLICE = 200
"""Objects decoded between two calls of `yield_if_due`."""

T = TypeVar("T")

_decoders = {name: msgspec.json.Decoder(kind) for name, kind in SECTIONS.items()}
_diagnostics = msgspec.json.Decoder(tuple[Diagnostic, ...])


class SkippedNames(Struct, frozen=True):
    """Names in one hash whose values could not be decoded; `whole` if the hash itself could not be read."""

    names: frozenset[str] = frozenset()
    whole: bool = False

    def __contains__(self, name: str) -> bool:
        return self.whole or name in self.names


class Loaded(Struct, frozen=True):
    """A loaded state, with the objects that could not be read as diagnostics, and as names by section.

    A reader that has those objects already should keep them, because they may still exist.
    """

    state: State
    problems: tuple[Diagnostic, ...] = ()
    unreadable: Mapping[str, SkippedNames] = field(default_factory=dict)

    def with_fallback(self, known: Configuration) -> State:
        """Return the state, with the objects of `known` in place of those that could not be read."""
        fields: dict[str, Any] = {name: getattr(self.state, name) for name in SECTIONS}
        for name, skipped in self.unreadable.items():
            fields[name] = _select_unreadable(getattr(known, name), skipped) | fields[name]
        return State(self.state.revision, **fields)


def parse_revision(value: object) -> int | None:
    """Return the number in a stored revision; None if there is none or it is not a number."""
    if not isinstance(value, bytes) or not _REVISION.fullmatch(value):
        return None
    return int(value)


def revision(client: redis.Redis, keys: PublishedKeys) -> int | None:
    """Return the current revision; None if there is none. Raises redis.RedisError."""
    try:
        return parse_revision(client.get(keys.revision))
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return None
        raise


def _do_nothing() -> None:
    pass


def load(
    client: redis.Redis,
    keys: PublishedKeys,
    yield_if_due: Callable[[], None] = _do_nothing,
    known: Configuration = NOTHING,
) -> Loaded | None:
    """Read the whole state in one transaction; return None if no revision exists. Raises redis.RedisError.

    `yield_if_due` is called about every millisecond, so the caller can do other work. An object that equals
    one of `known` is replaced by it, to save memory.
    """
    hashes = sections_of(keys)
    commands = [("GET", keys.revision)]
    commands += [("HGETALL", key) for key in hashes.values()]
    stored, *replies = _check_replies(read_atomically(client, commands, yield_if_due))
    number = parse_revision(stored)
    if number is None:
        return None
    problems: list[Diagnostic] = []
    objects: dict[str, Any] = {}
    unreadable: dict[str, SkippedNames] = {}
    for (name, key), reply in zip(hashes.items(), replies, strict=True):
        objects[name], unreadable[name] = _decode_objects(
            key, reply, _decoders[name], problems, yield_if_due, getattr(known, name)
        )
    return Loaded(State(number, **objects), tuple(problems), unreadable)


def read_diagnostics(client: redis.Redis, keys: PublishedKeys) -> tuple[Diagnostic, ...]:
    """Return the published diagnostics in order of source. Raises redis.RedisError."""
    try:
        fields: Any = client.hgetall(keys.diagnostics)
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return (_wrong_type(keys.diagnostics),)
        raise
    found: list[Diagnostic] = []
    for source, value in sorted(fields.items()):
        try:
            group = decode_json(_diagnostics, value)
        except msgspec.MsgspecError as msgspec_error:
            group = (_undecodable_value(keys.diagnostics, source, msgspec_error),)
        found += group
    return tuple(found)


def _select_unreadable(known: Mapping[str, T], unreadable: SkippedNames) -> dict[str, T]:
    return {name: value for name, value in known.items() if name in unreadable}


def _check_replies(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception) and not is_wrong_type(reply):
            raise reply
    return replies


def _decode_objects(
    key: str,
    fields: Any,
    decoder: msgspec.json.Decoder[Any],
    problems: list[Diagnostic],
    yield_if_due: Callable[[], None],
    known: Mapping[str, Any],
) -> tuple[dict[str, Any], SkippedNames]:
    if isinstance(fields, redis.ResponseError):
        problems.append(_wrong_type(key))
        return {}, SkippedNames(whole=True)
    objects: dict[str, Any] = {}
    skipped: set[str] = set()
    for number, (raw, value) in enumerate(_drain_fields(fields)):
        if not number % SLICE:
            yield_if_due()
        try:
            name = raw.decode()
            item = decode_json(decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            problems.append(_undecodable_value(key, raw, error))
            skipped.add(raw.decode(errors="replace"))
            continue
        if item.name != name:
            problems.append(_undecodable_value(key, raw, ValueError("the value has another name")))
            skipped.add(name)
            continue
        before = known.get(name)
        if before == item:
            item = before
        # `name` is a second copy of the same text; using it would keep both in memory.
        objects[item.name] = item
    return objects, SkippedNames(frozenset(skipped))


def _drain_fields(fields: Any) -> Iterator[tuple[bytes, bytes]]:
    """Yield and remove the fields of a hash, as a RESP3 dict or a RESP2 list.

    Keeping them would take memory, and freeing many of them at once would take time.
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
        "the key is not a hash, so nothing can be read from it",
        "the agent writes it again at its next start, or once it finds that its revision is missing",
    )


def _undecodable_value(key: str, field: bytes, error: Exception) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        "store",
        f"{key}: {field.decode(errors='replace')}",
        f"the stored value cannot be decoded: {error}",
        "only the agent should write to this key",
    )
