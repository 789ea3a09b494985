"""Publishes configurations: writes only the difference to the stored one, in one atomic step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic
from rondpoint.memory import return_free_memory
from rondpoint.store import change as messages
from rondpoint.store import read
from rondpoint.store.change import Change
from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.diff import diff
from rondpoint.store.integrity_check import IntegrityCheck
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.scripts import load_script
from rondpoint.store.sections import SECTIONS, sections_of
from rondpoint.store.state import State

ATTEMPTS = 20
"""Attempts to write, each with a new read of the store, before a publisher gives up."""

MANY_ARGUMENTS = 2_000
"""The number of the script's arguments from which a write needs much memory; an object takes two."""


class ConflictError(Exception):
    """Other publishers changed the store between reading and writing, in every attempt."""


class NotLeadingError(Exception):
    """Nothing was written, because another publisher holds the lease or this one's has ended."""


class Publication(Struct, frozen=True):
    """The result of a write: `change` leads to `revision`; it is empty if nothing differed.

    With `change.full` the write replaced the whole stored state, and `change` holds all objects.
    """

    revision: int
    change: Change


class _StoreView(Struct, frozen=True):
    """The publisher's view of the store; `state` is None if no difference can be based on it."""

    state: State | None
    diagnostics: dict[str, bytes]
    revision: int


class Publisher:
    """Publishes whole configurations to an installation or a contribution; not safe for two threads.

    `lease` returns the publisher's lease. Without one, the publisher writes only if no agent holds a lease.
    With `publishes_diagnostics`, a change of diagnostics alone makes a revision too.

    Every method raises redis.RedisError if the store does not respond. The publisher's view of the store is
    then still right, or the next call finds out that it is outdated.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: PublishedKeys,
        lease: Callable[[], str] = str,
        *,
        publishes_diagnostics: bool = False,
    ) -> None:
        self._client = client
        self._keys = keys
        self._lease = lease
        self._tells_diagnostics = publishes_diagnostics
        self._script = load_script(client, "publish.lua")
        self._integrity_check = IntegrityCheck(keys)
        self._view: _StoreView | None = None
        self._view_lease = ""
        self._highest_revision = 0

    def publish(self, configuration: Configuration) -> int:
        """Store `configuration` and return its revision, which is the current one if nothing changed."""
        return self.write(configuration).revision

    def write(self, configuration: Configuration) -> Publication:
        """Store `configuration` and return the change. Raises ConflictError and NotLeadingError besides."""
        lease = self._lease()
        if lease != self._view_lease:
            # Other publishers may have written in between.
            self._view, self._view_lease = None, lease
        for _ in range(ATTEMPTS):
            view = self._view or self._read()
            publication = self._write(view, configuration, lease)
            if publication is not None:
                return publication
            self._view = None
        raise ConflictError(f"other publishers changed the store during each of {ATTEMPTS} attempts to write")

    def stored(self) -> State | None:
        """Read and return the stored state; None if there is none or parts of it cannot be decoded."""
        self._view, self._view_lease = self._read(), self._lease()
        return self._view.state

    def is_intact(self) -> bool:
        """Check whether the store still holds what this publisher wrote last.

        Each call checks the revision, the numbers of objects, and some of the objects themselves. If the
        check fails, the next write reads the store first.
        """
        view = self._view
        if view is None or view.state is None:
            return False
        pipeline = self._client.pipeline(transaction=True)
        pipeline.get(self._keys.revision)
        for key in self._hashes():
            pipeline.hlen(key)
        self._integrity_check.read_next(pipeline)
        stored, *counts, values = pipeline.execute(raise_on_error=False)
        state = view.state
        expected = [*map(len, sections_of(state).values()), len(view.diagnostics)]
        same = read.parse_revision(stored) == view.revision and counts == expected
        if same and self._integrity_check.next_values_match(values, view.state, view.diagnostics):
            return True
        self._view = None
        return False

    def _hashes(self) -> Sequence[str]:
        return (*sections_of(self._keys).values(), self._keys.diagnostics)

    def _read(self) -> _StoreView:
        loaded = read.load(self._client, self._keys)
        if loaded is None:
            return _StoreView(None, {}, 0)
        revision = loaded.state.revision
        self._highest_revision = max(self._highest_revision, revision)
        try:
            fields: Any = self._client.hgetall(self._keys.diagnostics)
        except redis.ResponseError as error:
            if not is_wrong_type(error):
                raise
            return _StoreView(None, {}, revision)
        if loaded.problems:
            return _StoreView(None, {}, revision)
        diagnostics = {source.decode(errors="replace"): value for source, value in fields.items()}
        return _StoreView(loaded.state, diagnostics, revision)

    def _write(self, view: _StoreView, configuration: Configuration, lease: str) -> Publication | None:
        diagnostics = _group_by_source(configuration.diagnostics)
        change = self._change(view, configuration)
        changed_diagnostics = _changed_fields(view.diagnostics, diagnostics)
        if changed_diagnostics and self._tells_diagnostics:
            change = msgspec.structs.replace(change, diagnostics=True)
        if not change.empty or changed_diagnostics:
            stamped = msgspec.structs.replace(change, at=time())
            message = b"" if change.empty else messages.encode(stamped)
            arguments: list[str | bytes | int] = [
                lease,
                view.revision or "",
                "" if change.empty else change.revision,
                int(change.full),
                self._keys.changes,
                message,
            ]
            for name in SECTIONS:
                arguments += _script_arguments(_encode_objects(getattr(change, name)))
            arguments += _script_arguments(changed_diagnostics)
            keys = [self._keys.leader, self._keys.revision, *self._hashes()]
            written, found = self._script(keys=keys, args=arguments)
            if len(arguments) > MANY_ARGUMENTS:
                # Encoded values, and the command made of them, are twice as large as the configuration.
                arguments.clear()
                return_free_memory()
            if written < 0:
                raise NotLeadingError(found.decode(errors="replace").partition(" ")[2] or "no agent leads")
            if not written:
                return None
        revision = view.revision if change.empty else change.revision
        self._highest_revision = max(self._highest_revision, revision)
        self._view = _StoreView(State.of(revision, configuration), diagnostics, revision)
        return Publication(revision, change)

    def _change(self, view: _StoreView, configuration: Configuration) -> Change:
        if view.state is not None:
            change = diff(view.state, configuration)
            # After a restart from an older snapshot, the store must not repeat published revisions.
            return msgspec.structs.replace(change, revision=max(change.revision, self._highest_revision + 1))
        after = max(view.revision, self._highest_revision) + 1 if view.revision else self._first_revision()
        return Change(after, view.revision, full=True, **sections_of(State.of(after, configuration)))

    def _first_revision(self) -> int:
        """Return the store's clock in seconds, which exceeds every revision from before a loss of data."""
        seconds, _ = self._client.time()
        return max(int(seconds), self._highest_revision + 1)


def _group_by_source(diagnostics: Sequence[Diagnostic]) -> dict[str, bytes]:
    grouped: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        grouped.setdefault(diagnostic.source, []).append(diagnostic)
    return {source: msgspec.json.encode(group) for source, group in grouped.items()}


def _changed_fields(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes | None]:
    changes: dict[str, bytes | None] = dict.fromkeys(old.keys() - new.keys())
    changes.update((source, value) for source, value in new.items() if old.get(source) != value)
    return changes


def _encode_objects(objects: Mapping[str, Struct | None]) -> dict[str, bytes | None]:
    return {name: None if value is None else msgspec.json.encode(value) for name, value in objects.items()}


def _script_arguments(changes: Mapping[str, bytes | None]) -> list[str | bytes | int]:
    """Return the script's arguments for one hash: two counts, fields and values to set, removed fields."""
    pairs: list[str | bytes | int] = []
    removed: list[str | bytes | int] = []
    for name, value in changes.items():
        if value is None:
            removed.append(name)
        else:
            pairs += (name, value)
    return [len(pairs) // 2, len(removed), *pairs, *removed]
