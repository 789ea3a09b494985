"""Applies configuration changes that the watcher read, between two requests.

A request sees either the old configuration or the new one. Large changes are applied in portions, so that
requests do not wait: new objects first, removals last. So no router is ever without its service and
middlewares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from proxy.context import WorkerContext
from proxy.routing.rule_compiler import UnservedError
from rondpoint.configuration import Configuration
from rondpoint.model import Router, RouterObservability, Service
from rondpoint.store.change import Change
from rondpoint.store.read import Loaded, SkippedNames
from rondpoint.store.sections import SECTIONS, sections_of
from rondpoint.store.state import State

log = logging.getLogger(__name__)
T = TypeVar("T")


PORTION = 200
"""Objects compared or applied between two yields."""


def _no_yield() -> None:
    pass


def _ignore_observability(_observability: RouterObservability) -> None:
    pass


Item = TypeVar("Item", contravariant=True)  # noqa: PLC0105


class Receiver(Protocol[Item]):
    """What uses the objects of one section."""

    def put(self, item: Item, /) -> None:
        """Add or replace an object."""

    def remove(self, name: str, /) -> None:
        """Remove an object; ignore an unknown name."""


class _Section:
    """The current objects of one section by name, and what uses them."""

    def __init__(self, receiver: Receiver[Any] | None) -> None:
        self.objects: dict[str, Any] = {}
        self._receiver = receiver

    def put(self, item: Any) -> None:
        self.objects[item.name] = item
        if self._receiver is not None:
            self._receiver.put(item)

    def remove(self, name: str) -> None:
        self.objects.pop(name, None)
        if self._receiver is not None:
            self._receiver.remove(name)


class Applier:
    """Applies the configuration to `context`, object by object.

    It calls `yield_if_due` between portions, so that requests are served, but not during the first
    configuration. It passes the observability settings of routers to `on_observability`. `receivers` use the
    objects of sections that `context` does not use: those for TLS handshakes, TCP and UDP. It works inside
    `hold`, for those who must not see a part of a change.
    """

    def __init__(
        self,
        context: WorkerContext,
        yield_if_due: Callable[[], None] = _no_yield,
        on_observability: Callable[[RouterObservability], None] = _ignore_observability,
        receivers: Mapping[str, Receiver[Any]] = MappingProxyType({}),
        hold: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._context = context
        self._yield_if_due = yield_if_due
        self._on_observability = on_observability
        self._hold = hold
        self._revision: int | None = None
        used_by: dict[str, Receiver[Any]] = {**receivers, "middlewares": context.chains}
        self._sections = {
            name: _Section(used_by.get(name)) for name in SECTIONS if name not in ("routers", "services")
        }

    @property
    def revision(self) -> int | None:
        """The current revision; None before the first."""
        return self._revision

    def in_force(self) -> Configuration:
        """Return a live view of the current configuration."""
        context = self._context
        others: dict[str, Any] = {name: section.objects for name, section in self._sections.items()}
        return Configuration(context.table.routers, context.services.by_name, **others)

    def state(self) -> State:
        """Return a copy of the current configuration."""
        return State.of(self._revision or 0, self.in_force())

    def routers(self) -> Collection[str]:
        """Return the names of the current routers."""
        return self._context.table.routers.keys()

    def apply(self, change: Change) -> bool:
        """Apply a change that follows the current revision; for any other, do nothing and return False."""
        if change.previous != self._revision or change.full:
            return False
        with self._hold():
            self._apply(change.revision, sections_of(change))
        return True

    def replace(self, loaded: Loaded) -> None:
        """Replace the current configuration by the loaded one; keep the old version of unreadable objects."""
        old, new = sections_of(self.in_force()), sections_of(loaded.state)
        none_skipped = SkippedNames()
        changes = {
            name: self._difference(old[name], new[name], loaded.unreadable.get(name, none_skipped))
            for name in SECTIONS
        }
        with self._hold():
            self._apply(loaded.state.revision, changes)

    def _apply(self, revision: int, changes: Mapping[str, Mapping[str, Any]]) -> None:
        actions: dict[str, tuple[Callable[[Any], None], Callable[[str], None]]] = {
            name: (section.put, section.remove) for name, section in self._sections.items()
        }
        actions["services"] = self._put_service, self._context.services.remove
        actions["routers"] = self._put_router, self._context.table.remove
        for name in SECTIONS:
            put = actions[name][0]
            for item in self._portions(changes[name].values()):
                if item is not None:
                    put(item)
        for name in reversed(SECTIONS):
            remove = actions[name][1]
            for key, item in self._portions(changes[name].items()):
                if item is None:
                    remove(key)
        self._revision = revision
        self._context.configured = True

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
