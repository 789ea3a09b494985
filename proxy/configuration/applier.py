"""Applies configuration changes that the watcher read, between two requests.

A request sees either the old configuration or the new one. Large changes are applied in portions, so that
requests do not wait: new objects first, removals last. So no router is ever without its service and
middlewares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from proxy.context import WorkerContext
from proxy.routing.rule_compiler import UnservedError
from rondpoint.model import Configuration, Middleware, Router, RouterObservability, Service
from rondpoint.store.change import Change
from rondpoint.store.read import Loaded, SkippedNames
from rondpoint.store.state import State

log = logging.getLogger(__name__)
T = TypeVar("T")


PORTION = 200
"""Objects compared or applied between two yields."""


def _no_yield() -> None:
    pass


def _ignore_observability(_observability: RouterObservability) -> None:
    pass


class Applier:
    """Applies the configuration to `context`, object by object.

    It calls `yield_if_due` between portions, so that requests are served, but not during the first
    configuration. It passes the observability settings of routers to `on_observability`.
    """

    def __init__(
        self,
        context: WorkerContext,
        yield_if_due: Callable[[], None] = _no_yield,
        on_observability: Callable[[RouterObservability], None] = _ignore_observability,
    ) -> None:
        self._context = context
        self._yield_if_due = yield_if_due
        self._on_observability = on_observability
        self._revision: int | None = None
        self.middlewares: dict[str, Middleware] = {}

    @property
    def revision(self) -> int | None:
        """The current revision; None before the first."""
        return self._revision

    def in_force(self) -> Configuration:
        """Return a live view of the current configuration."""
        context = self._context
        return Configuration(context.table.routers, context.services.by_name, self.middlewares)

    def state(self) -> State:
        """Return a copy of the current configuration."""
        now = self.in_force()
        return State(self._revision or 0, dict(now.routers), dict(now.services), dict(now.middlewares))

    def routers(self) -> Collection[str]:
        """Return the names of the current routers."""
        return self._context.table.routers.keys()

    def apply(self, change: Change) -> bool:
        """Apply a change that follows the current revision; for any other, do nothing and return False."""
        if change.previous != self._revision or change.full:
            return False
        self._apply(change.revision, change.routers, change.services, change.middlewares)
        return True

    def replace(self, loaded: Loaded) -> None:
        """Replace the current configuration by the loaded one; keep the old version of unreadable objects."""
        state, unreadable, now = loaded.state, loaded.unreadable, self.in_force()
        self._apply(
            state.revision,
            self._difference(now.routers, state.routers, unreadable.routers),
            self._difference(now.services, state.services, unreadable.services),
            self._difference(now.middlewares, state.middlewares, unreadable.middlewares),
        )

    def _apply(
        self,
        revision: int,
        routers: Mapping[str, Router | None],
        services: Mapping[str, Service | None],
        middlewares: Mapping[str, Middleware | None],
    ) -> None:
        context = self._context
        for service in self._portions(services.values()):
            if service is not None:
                self._put_service(service)
        for middleware in middlewares.values():
            if middleware is not None:
                self.middlewares[middleware.name] = middleware
                context.chains.put(middleware)
        for router in self._portions(routers.values()):
            if router is not None:
                self._put_router(router)
        for name, router in self._portions(routers.items()):
            if router is None:
                context.table.remove(name)
        for name, service in self._portions(services.items()):
            if service is None:
                context.services.remove(name)
        for name, middleware in middlewares.items():
            if middleware is None:
                self.middlewares.pop(name, None)
                context.chains.remove(name)
        self._revision = revision
        context.configured = True

    def _put_service(self, service: Service) -> None:
        try:
            self._context.services.put(service)
        except Exception:
            # No agent of ours publishes such a service; it must not keep the others from being applied.
            log.exception("service %s cannot be applied", service.name)

    def _put_router(self, router: Router) -> None:
        if router.observability is not None:
            self._on_observability(router.observability)
        try:
            self._context.table.put(router)
        except UnservedError as error:
            log.warning("router %s: %s", router.name, error)

    def _difference(
        self, old: Mapping[str, T], new: Mapping[str, T], unreadable: SkippedNames
    ) -> dict[str, T | None]:
        changes: dict[str, T | None] = {
            name: None for name in self._portions(old) if name not in new and name not in unreadable
        }
        changes.update((name, value) for name, value in self._portions(new.items()) if old.get(name) != value)
        return changes

    def _portions(self, items: Iterable[T]) -> Iterator[T]:
        for number, item in enumerate(items, 1):
            yield item
            if not number % PORTION and self._revision is not None:
                self._yield_if_due()
