"""Resolves the parents of child routers, once the routers of all providers are known.

A parent that does not exist, that has a service of its own, or that leads back to the router is dropped. A
child router without a parent left, and a router with neither a service nor a child router, are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity, lost_rules_hint
from rondpoint.model import MAX_ROUTER_LAYERS, Router

Nearest = Callable[[str], str]
"""Returns a hint for the name of an unknown router."""


def resolve_parents(
    routers: Mapping[str, Router], nearest: Nearest
) -> tuple[dict[str, Router], tuple[Diagnostic, ...]]:
    """Return the routers with resolved parents, and diagnostics; routers without parents stay the same.

    The time is linear in the number of routers and parents.
    """
    resolution = _Resolution(routers, nearest)
    resolution.drop_unusable_parents()
    resolution.drop_circles()
    resolution.leave_out_unreachable()
    resolution.leave_out_without_children()
    resolution.inherit_observability()
    return resolution.routers, tuple(resolution.diagnostics)


class _Resolution:
    """The routers so far. `parents` holds the child routers, parents first after `drop_circles`."""

    def __init__(self, routers: Mapping[str, Router], nearest: Nearest) -> None:
        self.routers = dict(routers)
        self.diagnostics: list[Diagnostic] = []
        self._nearest = nearest
        self._parents = {name: router.parents for name, router in routers.items() if router.parents}
        # Named as a parent by any router, in force or not.
        self._named = {parent for parents in self._parents.values() for parent in parents}

    def drop_unusable_parents(self) -> None:
        """Drop parents that do not exist or that have a service."""
        for name, parents in self._parents.items():
            for parent in parents:
                found = self.routers.get(parent)
                if found is None:
                    message = f"its parent router {parent!r} does not exist or is left out"
                    self._drop(name, (parent,), message, self._nearest(parent))
                elif found.service:
                    message = f"its parent router {parent!r} has a service, so it has no child routers"
                    self._drop(name, (parent,), message, f"remove service from router {parent}")

    def drop_circles(self) -> None:
        """Drop parents that lead back to the router, and put the rest in order, parents first."""
        ordered = list(_parents_first(self._parents))
        placed = set(ordered)
        left = {name: parents for name, parents in self._parents.items() if name not in placed}
        # What is below a circle is no part of it, so start from the ends that have no children.
        children = _children(left)
        circle = left.keys() - set(_parents_first({name: tuple(children.get(name, ())) for name in left}))
        for name in sorted(circle):
            leading_back = tuple(parent for parent in self._parents[name] if parent in circle)
            message = f"its parent router {_format(leading_back)} leads back to it"
            self._drop(name, leading_back, message)
        if circle:
            ordered = list(_parents_first(self._parents))
        self._parents = {name: self._parents[name] for name in ordered}

    def leave_out_unreachable(self) -> None:
        """Leave out child routers that have no parent in force, or too many layers above them."""
        layers: dict[str, int] = {}
        for name, parents in self._parents.items():
            lost = tuple(parent for parent in parents if parent not in self.routers)
            if lost:
                self._parents[name] = tuple(parent for parent in parents if parent in self.routers)
            layers[name] = 1 + max((layers.get(parent, 1) for parent in self._parents[name]), default=0)
            if not self._parents[name]:
                self._leave_out(name, "left out, because none of its parent routers can be used")
            elif layers[name] > MAX_ROUTER_LAYERS:
                self._leave_out(name, f"left out, because it is more than {MAX_ROUTER_LAYERS} routers deep")

    def leave_out_without_children(self) -> None:
        """Leave out routers that have neither a service nor a child router in force."""
        left = Counter(
            parent for name, parents in self._parents.items() if name in self.routers for parent in parents
        )
        roots = (name for name, router in self.routers.items() if not (router.service or router.parents))
        for name in (*reversed(self._parents), *roots):
            router = self.routers.get(name)
            if router is None or router.service or left[name]:
                continue
            if name in self._named:
                self._leave_out(name, "left out, because none of its child routers can be used")
            else:
                message = "left out, because it names no service, and no router has it as parent"
                self._leave_out(name, message, "set service, or parentRefs of another router; ")
            left.subtract(self._parents.get(name, ()))

    def inherit_observability(self) -> None:
        """Give child routers the observability on which their parents agree, and their resolved parents."""
        for name, parents in self._parents.items():
            router = self.routers.get(name)
            if router is None:
                continue
            above = [self.routers[parent].observability for parent in parents]
            agreed = above[0]
            if any(each != agreed for each in above):
                agreed = None
                message = "its parent routers differ in observability, so that of the entry point applies"
                self._report(name, message, "give them the same observability", Severity.WARNING)
            if agreed != router.observability or parents != router.parents:
                self.routers[name] = replace(router, observability=agreed, parents=parents)

    def _drop(self, name: str, dropped: Iterable[str], message: str, hint: str = "") -> None:
        self._parents[name] = tuple(parent for parent in self._parents[name] if parent not in dropped)
        self._report(name, message, hint)

    def _leave_out(self, name: str, message: str, remedy: str = "") -> None:
        self._report(name, message, remedy + lost_rules_hint(self.routers.pop(name).rule.text))

    def _report(self, name: str, message: str, hint: str, severity: Severity = Severity.ERROR) -> None:
        source = name.rpartition("@")[2]
        self.diagnostics.append(Diagnostic(severity, source, f"router {name}", message, hint))


def _parents_first(parents: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the names after all their parents that are names too; leave out those in a circle or below it."""
    waiting = {name: sum(parent in parents for parent in above) for name, above in parents.items()}
    children = _children(parents)
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        yield name
        for child in children.get(name, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)


def _children(parents: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the children of each parent that is a name itself."""
    found: dict[str, list[str]] = {}
    for name, above in parents.items():
        for parent in above:
            if parent in parents:
                found.setdefault(parent, []).append(name)
    return found


def _format(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
