"""Puts what the watcher read into force: the difference, between two requests.

Nothing here waits, so a request sees either the old configuration or the new one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import TypeVar

from proxy.context import Context
from rondpoint.model import Middleware, Router, Service
from rondpoint.rules.patterns import PatternError
from rondpoint.store.change import Change
from rondpoint.store.read import Loaded, Skipped
from rondpoint.store.state import State

log = logging.getLogger(__name__)
T = TypeVar("T")


class Applier:
    """Knows what is in force in `context`, object by object."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._revision: int | None = None
        self._routers: dict[str, Router] = {}
        self._services: dict[str, Service] = {}
        self.middlewares: dict[str, Middleware] = {}

    @property
    def revision(self) -> int | None:
        """The revision in force; None before the first."""
        return self._revision

    def state(self) -> State:
        """What is in force, whole."""
        return State(self._revision or 0, dict(self._routers), dict(self._services), dict(self.middlewares))

    def routers(self) -> Collection[str]:
        """The names of the routers in force."""
        return self._routers.keys()

    def apply(self, change: Change) -> bool:
        """Apply a change that follows the revision in force; False, and nothing done, for any other."""
        if change.previous != self._revision or change.full:
            return False
        self._apply(change.revision, change.routers, change.services, change.middlewares)
        return True

    def replace(self, loaded: Loaded) -> None:
        """Go to the state that was read from whatever is in force; what was unreadable stays as it is."""
        state, unreadable = loaded.state, loaded.unreadable
        self._apply(
            state.revision,
            _difference(self._routers, state.routers, unreadable.routers),
            _difference(self._services, state.services, unreadable.services),
            _difference(self.middlewares, state.middlewares, unreadable.middlewares),
        )

    def _apply(
        self,
        revision: int,
        routers: Mapping[str, Router | None],
        services: Mapping[str, Service | None],
        middlewares: Mapping[str, Middleware | None],
    ) -> None:
        context = self._context
        for name, service in services.items():
            if service is None:
                self._services.pop(name, None)
                context.services.remove(name)
            else:
                self._services[name] = service
                context.services.put(service)
        for name, router in routers.items():
            if router is None:
                self._routers.pop(name, None)
                context.table.remove(name)
            else:
                self._put_router(router)
        for name, middleware in middlewares.items():
            if middleware is None:
                self.middlewares.pop(name, None)
                context.chains.remove(name)
            else:
                self.middlewares[name] = middleware
                context.chains.put(middleware)
        self._revision = revision
        context.configured = True

    def _put_router(self, router: Router) -> None:
        try:
            self._context.table.put(router)
        except (KeyError, PatternError) as error:
            log.warning("router %s: its rule has what is not served here: %s", router.name, error)
            return
        self._routers[router.name] = router


def _difference(old: Mapping[str, T], new: Mapping[str, T], unreadable: Skipped) -> dict[str, T | None]:
    changes: dict[str, T | None] = {name: None for name in old if name not in new and name not in unreadable}
    changes.update((name, value) for name, value in new.items() if old.get(name) != value)
    return changes
