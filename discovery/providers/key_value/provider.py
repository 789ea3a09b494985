"""The key-value provider: follows the keys below a root key, and those below its alias."""

from __future__ import annotations

import logging
import math
import threading
import time

from msgspec.structs import replace

from discovery.certificates.loading import Seal
from discovery.certificates.reader import CertificateReader
from discovery.connections.stopping import on_stop
from discovery.providers.contract import Emit
from discovery.providers.key_value.contract import KeyUpdate, KeyValueSource
from discovery.providers.key_value.decoding import DecodedKeys
from discovery.providers.key_value.followed_prefixes import FollowedPrefixes
from discovery.providers.key_value.retained_keys import Changes, RetainedKeys
from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.tree.key_value import KeyValueOptions

logger = logging.getLogger(__name__)

_ALIAS = "alias"


class KeyValueProvider:
    """A provider that emits whenever a key changed. It does not poll.

    `ROOT/alias` may name another key, whose subkeys then replace those of the root. The switch happens once
    all of them have been read. If keys name files of certificates, the provider also follows these files;
    `seal` seals private keys.
    """

    def __init__(self, source: KeyValueSource, options: KeyValueOptions, seal: Seal = str) -> None:
        self.name = source.name
        self._source = source
        self._prefix = options.root_key.strip("/")
        self._watch = options.watch
        self._certificates = CertificateReader(self.name, seal)
        self._root = RetainedKeys()
        self._aliased: tuple[str, RetainedKeys] = ("", RetainedKeys())
        self._decoded: tuple[str, DecodedKeys] | None = None
        self._notes: tuple[Diagnostic, ...] = ()
        self._followed = ""
        self._ready = True
        self._emitted = False

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the keys until `stop`. Raises ProviderError if the source cannot be read."""
        self._emitted, self._followed, self._ready = False, "", True
        with FollowedPrefixes(self._source) as prefixes, on_stop(stop, prefixes.end):
            prefixes.follow(self._prefix)
            while not stop.is_set():
                if self._apply_updates(prefixes):
                    self._emit(self._decode(), emit)
                    if not self._watch:
                        prefixes.end()
                        stop.wait()
                elif self._emitted and self._decoded is not None and self._decoded[1].refresh_files():
                    self._emit(self._decoded[1], emit)

    def _apply_updates(self, prefixes: FollowedPrefixes) -> bool:
        """Wait for updates and apply them; return whether there is a new configuration to emit."""
        alias, aliased = self._aliased
        ends = [each.next_expiry for each in (self._root, aliased) if each.next_expiry is not None]
        timeout = min((self._certificates.seconds_to_check(), *(end - time.monotonic() for end in ends)))
        updates = prefixes.take(None if timeout == math.inf else max(0.0, timeout))
        changed = self._root.drop_expired() | aliased.drop_expired()
        for update in (update for prefix, update in updates if prefix == self._prefix):
            self._update_keys(self._root, self._prefix, update)
            changed = True
        target = self._alias_target()
        if target != self._followed:
            self._follow_alias(target, prefixes)
            return changed and self._ready
        for update in (update for prefix, update in updates if prefix == target != self._prefix):
            if target != alias:
                alias = target
                self._aliased = (target, RetainedKeys())
            self._update_keys(self._aliased[1], target, update)
            self._ready = changed = True
        return changed and self._ready

    def _follow_alias(self, alias: str, prefixes: FollowedPrefixes) -> None:
        """Follow another alias; the previous keys stay in force until all of the new ones have been read."""
        if self._followed:
            prefixes.unfollow(self._followed)
        if alias:
            prefixes.follow(alias)
        self._followed = alias
        self._ready = not alias

    def _update_keys(self, retained: RetainedKeys, prefix: str, update: KeyUpdate) -> None:
        if update.whole:
            self._notes = update.diagnostics
        if retained.update(update):
            logger.warning(
                "provider %s: the store lost keys below %s/; their routes are kept for a while",
                self.name,
                prefix,
            )

    def _alias_target(self) -> str:
        value = self._root.keys.get(_below(self._prefix, _ALIAS), b"")
        try:
            target = value.decode().strip().strip("/")
        except UnicodeDecodeError:
            return ""
        return "" if target == self._prefix else target

    def _decode(self) -> DecodedKeys:
        """Decode the keys that have changed; after a switch to another prefix, decode all keys."""
        prefix, retained = self._aliased if self._followed else (self._prefix, self._root)
        changes = retained.take_changes()
        if self._decoded is None or self._decoded[0] != prefix:
            changes = retained.keys
            self._decoded = (prefix, DecodedKeys(self.name, prefix, self._certificates))
        decoded = self._decoded[1]
        # If decoding fails, all keys are decoded the next time, because the changes are then used up.
        self._decoded = None
        decoded.apply(_without_alias(changes, prefix))
        self._decoded = (prefix, decoded)
        return decoded

    def _emit(self, decoded: DecodedKeys, emit: Emit) -> None:
        found = decoded.configuration()
        emit(replace(found, diagnostics=self._notes + found.diagnostics))
        self._emitted = True


def _below(prefix: str, name: str) -> str:
    return f"{prefix}/{name}" if prefix else name


def _without_alias(changes: Changes, prefix: str) -> Changes:
    alias = _below(prefix, _ALIAS)
    return {key: value for key, value in changes.items() if key != alias}
