"""Writing the store: only the difference, and in one step for whoever reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Configuration
from rondpoint.store import change as messages
from rondpoint.store import read
from rondpoint.store.change import Change
from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.diff import diff
from rondpoint.store.integrity_check import Patrol
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.scripts import script
from rondpoint.store.state import State

ATTEMPTS = 20
"""How often a publisher whose view of the store was outdated reads it anew before it gives up."""


class ConflictError(Exception):
    """Other publishers changed the store each time between reading and writing."""


class NotLeadingError(Exception):
    """Another publisher holds the lease, or this one's has ended: nothing was written."""


class Publication(Struct, frozen=True):
    """`change` leads to `revision` and is empty when the configuration was already there.

    With `change.full`, whatever was stored was replaced, and `change` holds the new contents whole.
    """

    revision: int
    change: Change


class _Known(Struct, frozen=True):
    """What the store holds as far as this publisher knows; no state where nothing can be built upon."""

    state: State | None
    diagnostics: dict[str, bytes]
    revision: int


class Publisher:
    """Publishes whole configurations to one installation, or one part; not for use by two threads at once.

    `lease` gives the one that the publisher holds; without, it writes only where nobody holds any. With
    `tells_diagnostics`, diagnostics that alone have changed make a revision too.

    Every method raises redis.RedisError when the store does not answer; what is known of it is then
    still right, or found to be outdated by the next call.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: PublishedKeys,
        lease: Callable[[], str] = str,
        *,
        tells_diagnostics: bool = False,
    ) -> None:
        self._client = client
        self._keys = keys
        self._lease = lease
        self._tells_diagnostics = tells_diagnostics
        self._script = script(client, "publish.lua")
        self._patrol = Patrol(client, keys)
        self._known: _Known | None = None
        self._known_by = ""
        self._highest = 0

    def publish(self, configuration: Configuration) -> int:
        """Make `configuration` the stored one and return its revision: the present one if nothing changed."""
        return self.write(configuration).revision

    def write(self, configuration: Configuration) -> Publication:
        """As `publish`, and tells what changed. Raises ConflictError and NotLeadingError besides."""
        lease = self._lease()
        if lease != self._known_by:
            # Others may have written in between.
            self._known, self._known_by = None, lease
        for _ in range(ATTEMPTS):
            known = self._known or self._read()
            publication = self._write(known, configuration, lease)
            if publication is not None:
                return publication
            self._known = None
        raise ConflictError(f"the store changed {ATTEMPTS} times while a configuration was being written")

    def stored(self) -> State | None:
        """What is stored now, read anew; None when there is nothing, or nothing that is whole."""
        self._known, self._known_by = self._read(), self._lease()
        return self._known.state

    def intact(self) -> bool:
        """Whether the store still holds what this publisher wrote last; otherwise the next write reads it.

        Each time it looks at the revision, at the numbers of objects, and at some of the objects themselves.
        """
        known = self._known
        if known is None or known.state is None:
            return False
        pipeline = self._client.pipeline(transaction=True)
        pipeline.get(self._keys.revision)
        for key in self._hashes():
            pipeline.hlen(key)
        stored, *counts = pipeline.execute(raise_on_error=False)
        state = known.state
        expected = [len(state.routers), len(state.services), len(state.middlewares), len(known.diagnostics)]
        same = read.parse_revision(stored) == known.revision and counts == expected
        if same and self._patrol.finds_all_well(known.state, known.diagnostics):
            return True
        self._known = None
        return False

    def _hashes(self) -> Sequence[str]:
        keys = self._keys
        return (keys.routers, keys.services, keys.middlewares, keys.diagnostics)

    def _read(self) -> _Known:
        loaded = read.load(self._client, self._keys)
        if loaded is None:
            return _Known(None, {}, 0)
        revision = loaded.state.revision
        self._highest = max(self._highest, revision)
        try:
            fields: Any = self._client.hgetall(self._keys.diagnostics)
        except redis.ResponseError as error:
            if not is_wrong_type(error):
                raise
            return _Known(None, {}, revision)
        if loaded.problems:
            return _Known(None, {}, revision)
        diagnostics = {source.decode(errors="replace"): value for source, value in fields.items()}
        return _Known(loaded.state, diagnostics, revision)

    def _write(self, known: _Known, configuration: Configuration, lease: str) -> Publication | None:
        diagnostics = _by_source(configuration.diagnostics)
        change = self._change(known, configuration)
        changed_diagnostics = _changed(known.diagnostics, diagnostics)
        if changed_diagnostics and self._tells_diagnostics:
            change = msgspec.structs.replace(change, diagnostics=True)
        if not change.empty or changed_diagnostics:
            stamped = msgspec.structs.replace(change, at=time())
            message = b"" if change.empty else messages.encode(stamped)
            arguments: list[str | bytes | int] = [
                lease,
                known.revision or "",
                "" if change.empty else change.revision,
                int(change.full),
                self._keys.changes,
                message,
            ]
            for objects in (change.routers, change.services, change.middlewares):
                arguments += _fields(_encoded(objects))
            arguments += _fields(changed_diagnostics)
            keys = [self._keys.leader, self._keys.revision, *self._hashes()]
            written, found = self._script(keys=keys, args=arguments)
            if written < 0:
                raise NotLeadingError(found.decode(errors="replace").partition(" ")[2] or "nobody leads")
            if not written:
                return None
        revision = known.revision if change.empty else change.revision
        self._highest = max(self._highest, revision)
        state = State(
            revision,
            dict(configuration.routers),
            dict(configuration.services),
            dict(configuration.middlewares),
        )
        self._known = _Known(state, diagnostics, revision)
        return Publication(revision, change)

    def _change(self, known: _Known, configuration: Configuration) -> Change:
        if known.state is not None:
            change = diff(known.state, configuration)
            # A store that came back with an older snapshot must not count through numbers already told.
            return msgspec.structs.replace(change, revision=max(change.revision, self._highest + 1))
        return Change(
            revision=max(known.revision, self._highest) + 1 if known.revision else self._first_revision(),
            previous=known.revision,
            full=True,
            routers=dict(configuration.routers),
            services=dict(configuration.services),
            middlewares=dict(configuration.middlewares),
        )

    def _first_revision(self) -> int:
        """The server's clock in seconds: beyond whatever was told before its data was lost."""
        seconds, _ = self._client.time()
        return max(int(seconds), self._highest + 1)


def _by_source(diagnostics: Sequence[Diagnostic]) -> dict[str, bytes]:
    grouped: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        grouped.setdefault(diagnostic.source, []).append(diagnostic)
    return {source: msgspec.json.encode(group) for source, group in grouped.items()}


def _changed(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes | None]:
    changes: dict[str, bytes | None] = dict.fromkeys(old.keys() - new.keys())
    changes.update((source, value) for source, value in new.items() if old.get(source) != value)
    return changes


def _encoded(objects: Mapping[str, Struct | None]) -> dict[str, bytes | None]:
    return {name: None if value is None else msgspec.json.encode(value) for name, value in objects.items()}


def _fields(changes: Mapping[str, bytes | None]) -> list[str | bytes | int]:
    """What the script expects for one hash: two counts, the fields set and their values, those removed."""
    pairs: list[str | bytes | int] = []
    removed: list[str | bytes | int] = []
    for name, value in changes.items():
        if value is None:
            removed.append(name)
        else:
            pairs += (name, value)
    return [len(pairs) // 2, len(removed), *pairs, *removed]
