"""The Consul key-value provider: one blocking query follows the root key, and a second one its alias."""

from __future__ import annotations

import logging
import math
import threading
import time

from msgspec.structs import replace

from discovery import dynamic
from discovery.certificates.loading import Seal
from discovery.certificates.reader import CertificateReader
from discovery.consul import Client, Endpoint, QueryResult
from discovery.consul.blocking_queries import BlockingQueries, Query
from discovery.consul.settings_endpoints import key_endpoints
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.merging.union import unite
from discovery.providers.consul_agents import ConsulAgents
from discovery.providers.consul_kv.retained_keys import Keys, RetainedKeys
from discovery.providers.consul_kv.tree import unfold
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.stopping import on_stop
from rondpoint.settings import ConsulOptions

logger = logging.getLogger(__name__)

PROVIDER = "consul"

_ROOT = "root"
_ALIASED = "aliased"
_ALIAS = "alias"


class ConsulKvProvider:
    """A provider that emits whenever a key changed. It does not poll.

    `ROOT/alias` may name another key, whose subkeys then replace those of the root. The switch happens once
    all of them have been read. If keys name files of certificates, the provider also follows these files;
    `seal` seals private keys.
    """

    name = PROVIDER

    def __init__(self, options: ConsulOptions, seal: Seal = str) -> None:
        self._options = options
        self._certificates = CertificateReader(self.name, seal)
        self._decoded: tuple[Decoded, ...] = ()
        self._prefix = options.root_key.strip("/")
        self._agents: ConsulAgents | None = None
        self._root = RetainedKeys()
        self._aliased: tuple[str, RetainedKeys] = ("", RetainedKeys())
        self._followed = ""
        self._ready = True
        self._emitted = False

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the keys until `stop`. Raises ProviderError if no endpoint can be read."""
        try:
            self._agents = self._agents or ConsulAgents(self.name, key_endpoints(self._options))
        except ValueError as error:
            raise ProviderError(str(error)) from error
        self._agents.follow(lambda endpoint: self._follow(endpoint, emit, stop), stop)

    def _follow(self, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        def client() -> Client:
            return Client(endpoint)

        self._emitted, self._followed, self._ready = False, "", True
        with (
            BlockingQueries({_ROOT: _query_below(self._prefix)}, client) as queries,
            client() as reader,
            on_stop(stop, queries.end),
            on_stop(stop, reader.abort),
        ):
            while not stop.is_set():
                if self._apply_results(queries, reader):
                    self._decode()
                    self._emit(emit)
                    if not self._options.watch:
                        queries.end()
                        stop.wait()
                elif self._emitted and self._certificates.refresh(self._decoded):
                    self._emit(emit)

    def _apply_results(self, queries: BlockingQueries, reader: Client) -> bool:
        """Wait for query results and apply them; return whether there is a new configuration to emit."""
        alias, aliased = self._aliased
        ends = [each.next_expiry for each in (self._root, aliased) if each.next_expiry is not None]
        timeout = min((self._certificates.seconds_to_check(), *(end - time.monotonic() for end in ends)))
        results = queries.take(None if timeout == math.inf else max(0.0, timeout))
        changed = self._root.drop_expired() | aliased.drop_expired()
        if root := results.get(_ROOT):
            self._update_keys(self._root, self._prefix, root, reader)
            changed = True
        target = self._alias_target()
        if target != self._followed:
            self._follow_alias(target, queries)
        elif found := results.get(_ALIASED):
            if target != alias:
                self._aliased = (target, RetainedKeys())
            self._update_keys(self._aliased[1], target, found, reader)
            self._ready = changed = True
        return changed and self._ready

    def _follow_alias(self, alias: str, queries: BlockingQueries) -> None:
        """Follow another alias; the previous keys stay in force until all of the new ones have been read."""
        if self._followed:
            queries.unfollow(_ALIASED)
        if alias:
            queries.follow(_ALIASED, _query_below(alias))
        self._followed = alias
        self._ready = not alias

    def _update_keys(
        self, retained: RetainedKeys, prefix: str, result: QueryResult[Keys], reader: Client
    ) -> None:
        if not result.data:
            # Consul silently leaves out keys that a token may not read, but refuses to read one of them by
            # name.
            reader.key(f"{prefix}/{_ALIAS}")
        if retained.update(result, reconnected=not self._emitted):
            logger.warning(
                "Consul is back without some keys below %s/; their routes are kept for a while", prefix
            )

    def _alias_target(self) -> str:
        value = self._root.keys.get(f"{self._prefix}/{_ALIAS}", b"")
        try:
            return value.decode().strip().strip("/")
        except UnicodeDecodeError:
            return ""

    def _decode(self) -> None:
        prefix, retained = self._aliased if self._followed else (self._prefix, self._root)
        keys = {key: value for key, value in retained.keys.items() if key != f"{prefix}/{_ALIAS}"}
        report = Report(self.name, f"keys below {prefix}/")
        decoded = dynamic.decode(unfold(keys, prefix, report), self.name, report.subject)
        self._decoded = (replace(decoded, diagnostics=report.diagnostics + decoded.diagnostics),)
        self._certificates.refresh(self._decoded)

    def _emit(self, emit: Emit) -> None:
        emit(unite(self._certificates.completed, self.name))
        self._emitted = True


def _query_below(prefix: str) -> Query:
    return lambda client, index: client.keys_below(f"{prefix}/" if prefix else "", index)
