"""The interface of a store of keys, as the key-value provider follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic


class KeyUpdate(Struct, frozen=True):
    """A change of the keys below one prefix, in the order in which the store made it.

    - `keys` maps full keys (`traefik/http/routers/a/rule`, without a leading slash) to their values. None
      stands for a deleted key.
    - `whole`: `keys` are all keys below the prefix. Otherwise they are only the changed ones.
    - `may_be_reset`: the store may have lost data, for example after an outage. Keys that a whole update
      lacks are then retained for a while.
    - `diagnostics`: what users should know about the store itself. They replace those of earlier updates.
    """

    keys: Mapping[str, bytes | None]
    whole: bool = False
    may_be_reset: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()


Report = Callable[[KeyUpdate], None]


class KeyValueSource(Protocol):
    """One store of keys. It knows nothing about routes.

    `name` is the provider's name, which qualifies the objects (`hello@etcd`).
    """

    @property
    def name(self) -> str: ...

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report all keys below `prefix`, and then each change; return soon after `stop` is set.

        `prefix` has neither a leading nor a trailing slash; if it is empty, follow all keys. The first
        update is whole. A later whole update replaces all keys. The provider calls this in a thread of its
        own, and in two threads at once if an alias is set. Raises ProviderError if the store cannot be read;
        the agent then calls it again after a delay.
        """
