"""Puts what the watcher read into force: the difference, between two requests.

So a request sees either the old configuration or the new one. Where they differ in many objects, these are
put in force in portions, lest requests wait for it: what is new first, what is gone last, so that no router
is ever without its service and its middlewares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from proxy.context import Context
from proxy.routing.rule_compiler import UnservedError
from rondpoint.model import Configuration, Middleware, Router, RouterObservability, Service
from rondpoint.store.change import Change
from rondpoint.store.read import Loaded, Skipped
from rondpoint.store.state import State

log = logging.getLogger(__name__)
T = TypeVar("T")


PORTION = 200
"""Objects compared or put in force without a pause, where there is more to do."""


def _go_on() -> None:
    pass


def _ask_nobody(_observability: RouterObservability) -> None:
    pass


class Applier:
    """Knows what is in force in `context`, object by object.

    `yield_if_due` is called between portions, for requests to get their turn; but not before anything is in force.
    `ask` is told what routers want told of their requests.
    """

    def __init__(
        self,
        context: Context,
        yield_if_due: Callable[[], None] = _go_on,
        ask: Callable[[RouterObservability], None] = _ask_nobody,
    ) -> None:
        self._context = context
        self._yield_if_due = yield_if_due
        self._ask = ask
        self._revision: int | None = None
        self.middlewares: dict[str, Middleware] = {}

    @property
    def revision(self) -> int | None:
        """The revision in force; None before the first."""
        return self._revision

    def in_force(self) -> Configuration:
        """What is in force, as it is now and will be."""
        context = self._context
        return Configuration(context.table.routers, context.services.by_name, self.middlewares)

    def state(self) -> State:
        """What is in force, as it is now."""
        now = self.in_force()
        return State(self._revision or 0, dict(now.routers), dict(now.services), dict(now.middlewares))

    def routers(self) -> Collection[str]:
        """The names of the routers in force."""
        return self._context.table.routers.keys()

    def apply(self, change: Change) -> bool:
        """Apply a change that follows the revision in force; False, and nothing done, for any other."""
        if change.previous != self._revision or change.full:
            return False
        self._apply(change.revision, change.routers, change.services, change.middlewares)
        return True

    def replace(self, loaded: Loaded) -> None:
        """Go to the state that was read from whatever is in force; what was unreadable stays as it is."""
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
            # Such a one is no agent's of ours; it must not keep all others from coming into force.
            log.exception("service %s cannot be put in force", service.name)

    def _put_router(self, router: Router) -> None:
        if router.observability is not None:
            self._ask(router.observability)
        try:
            self._context.table.put(router)
        except UnservedError as error:
            log.warning("router %s: %s", router.name, error)

    def _difference(
        self, old: Mapping[str, T], new: Mapping[str, T], unreadable: Skipped
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
