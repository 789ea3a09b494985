"""One provider's containers or files, united into one configuration, and again whenever one of them changes.

Objects of one name with the same values are one object: that is how scaled services come about. Where
values differ, nobody can say which are meant, and all of them go, as in Traefik 3; but of Traefik 1's
routers the first stands, as there, unless they differ in what guards them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from discovery.decoding.decoded import Decoded
from discovery.merging.implicit_services import Guesses
from rondpoint.diagnostics import Diagnostic, Severity, would_serve
from rondpoint.middlewares.redaction import open_headers, redacted
from rondpoint.model import Configuration, Middleware, Router, Server, Service
from rondpoint.rules.expression import Rule


def unite(parts: Iterable[Decoded], provider: str) -> Configuration:
    """The configuration that `parts` make together; their order does not matter."""
    union = Union(provider)
    for number, part in enumerate(parts):
        union.put(str(number), part)
    return union.configuration()


_Object = Router | Service | Middleware
_Definition = tuple[Decoded, _Object]
_KINDS = ("router", "middleware", "service")


class Union:
    """Parts by key, and what they make together. Replacing one costs what bears the names of its objects."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._guesses = Guesses(provider)
        self._parts: dict[str, Decoded] = {}
        self._definitions: dict[str, dict[str, dict[str, _Definition]]] = {kind: {} for kind in _KINDS}
        self._agreed: dict[str, dict[str, _Object]] = {kind: {} for kind in _KINDS}
        self._conflicts: dict[str, dict[str, Diagnostic]] = {kind: {} for kind in _KINDS}
        self._dirty: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        self._diagnostics: tuple[Diagnostic, ...] | None = None

    def put(self, key: str, part: Decoded) -> None:
        """Add or replace a part."""
        self._guesses.put(key, part)

    def remove(self, key: str) -> None:
        """Take a part out; a key that is not there is no fault."""
        self._guesses.remove(key)

    def configuration(self) -> Configuration:
        """What the parts make together now."""
        self._take_over(self._guesses.settle())
        for kind, names in self._dirty.items():
            for name in names:
                self._settle(kind, name)
            names.clear()
        if self._diagnostics is None:
            self._diagnostics = tuple(self._all_diagnostics())
        agreed: Any = self._agreed
        return Configuration(
            dict(agreed["router"]), dict(agreed["service"]), dict(agreed["middleware"]), self._diagnostics
        )

    def _take_over(self, changed: Mapping[str, Decoded | None]) -> None:
        for key, part in changed.items():
            before = self._parts.pop(key, None)
            for kind, item in _objects(before):
                self._definitions[kind][item.name].pop(key, None)
                self._dirty[kind].add(item.name)
            if part is not None:
                self._parts[key] = part
            for kind, item in _objects(part):
                self._definitions[kind].setdefault(item.name, {})[key] = (part, item)  # type: ignore[assignment]
                self._dirty[kind].add(item.name)
            if (before and before.diagnostics) or (part and part.diagnostics):
                self._diagnostics = None

    def _settle(self, kind: str, name: str) -> None:
        """Find anew what all definitions of a name come to."""
        if self._conflicts[kind].pop(name, None) is not None:
            self._diagnostics = None
        self._agreed[kind].pop(name, None)
        given = sorted(self._definitions[kind].get(name, {}).values(), key=_subject)
        if not given:
            self._definitions[kind].pop(name, None)
            return
        found = self._agreement(kind, name, given)
        if found is not None:
            self._agreed[kind][name] = found

    def _agreement(self, kind: str, name: str, given: Sequence[_Definition]) -> _Object | None:
        """The object that the definitions, in order of subject, agree on; services but for their servers."""
        (first_part, first), *others = given
        bare = _bare(first)
        for part, item in others:
            if _bare(item) != bare:
                stands = first_part.first_stands and part.first_stands and _guarded_alike(first, item)
                self._conflicts[kind][name] = self._told(kind, given[0], (part, item), stands)
                self._diagnostics = None
                if not stands:
                    return None
                break
        if isinstance(first, Service):
            return replace(first, servers=_servers(item for _, item in given))  # type: ignore[misc]
        return first

    def _all_diagnostics(self) -> Iterator[Diagnostic]:
        for part in sorted((part for part in self._parts.values() if part.diagnostics), key=_own_subject):
            yield from part.diagnostics
        for conflicts in self._conflicts.values():
            for name in sorted(conflicts):
                yield conflicts[name]

    def _told(self, kind: str, one: _Definition, other: _Definition, stands: bool) -> Diagnostic:
        (first_part, first), (part, item) = one, other
        key = part.keys.get(f"{kind}s.{item.name}")
        written = f" ({key})" if key else ""
        outcome = f"that of {first_part.subject} stands" if stands else "both are left out"
        return Diagnostic(
            Severity.ERROR,
            self._provider,
            part.subject,
            f"{kind} {item.name}{written} is defined otherwise in {first_part.subject}: "
            f"{_difference(_bare(first), _bare(item))}; {outcome}",
            "; ".join(["give them the same values, or different names", *_unserved((first, item), stands)]),
            about=f"{kind} {item.name}",
        )


def _objects(part: Decoded | None) -> Iterator[tuple[str, _Object]]:
    if part is not None:
        yield from (("router", item) for item in part.routers)
        yield from (("middleware", item) for item in part.middlewares)
        yield from (("service", item) for item in part.services)


def _bare(item: _Object) -> _Object:
    return replace(item, servers=()) if isinstance(item, Service) else item


def _subject(definition: _Definition) -> str:
    return definition[0].subject


def _own_subject(part: Decoded) -> str:
    return part.subject


def _unserved(routers: Iterable[_Object], stands: bool) -> Iterator[str]:
    rules = {item.rule.text: None for item in routers if isinstance(item, Router)}
    if rules and not stands:
        yield would_serve(*rules)


def _guarded_alike(one: _Object, other: _Object) -> bool:
    return isinstance(one, Router) and isinstance(other, Router) and one.middlewares == other.middlewares


def _difference(one: _Object, other: _Object) -> str:
    """The fields in which two objects differ, with both values, but for what is secret."""
    left, right = dict(_fields(_open(one))), dict(_fields(_open(other)))
    told = [
        f"{name} {_shown(right.get(name))} against {_shown(left.get(name))}"
        for name in dict.fromkeys((*left, *right))
        if left.get(name) != right.get(name)
    ]
    return ", ".join(told) or "options that are not shown"


def _fields(item: Struct, above: str = "") -> Iterator[tuple[str, object]]:
    """By path, those of what it is made of too; a rule is one value."""
    for name, value in asdict(item).items():
        if isinstance(value, Struct) and not isinstance(value, Rule):
            yield from _fields(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _open(item: _Object) -> _Object:
    if isinstance(item, Middleware):
        return redacted(item)
    if isinstance(item, Service) and item.health_check is not None:
        check = item.health_check
        return replace(item, health_check=replace(check, headers=open_headers(check.headers)))
    return item


def _shown(value: object) -> str:
    text = getattr(value, "text", value)
    if text is None or text == "":
        return "nothing"
    if isinstance(text, tuple):
        return "[" + ", ".join(map(str, text)) + "]"
    return str(text)


def _servers(services: Iterable[Service]) -> tuple[Server, ...]:
    """The servers of all, in order of name; where a name comes twice, port or address tell them apart."""
    given = [server for service in services for server in service.servers]
    distinct = list({(server.name, server.url): server for server in given}.values())
    by_name = [(server.name, server) for server in distinct]
    by_port = _apart(by_name, lambda server: f"{server.name}:{server.port}")
    named = _apart(by_port, lambda server: f"{server.name}@{server.url}")
    servers = (server if server.name == name else replace(server, name=name) for name, server in named)
    return tuple(sorted(servers, key=lambda server: server.name))


def _apart(
    named: Sequence[tuple[str, Server]], longer: Callable[[Server], str]
) -> Sequence[tuple[str, Server]]:
    """With the `longer` name for those whose own comes more than once."""
    times = Counter(name for name, _ in named)
    return [(longer(server) if times[name] > 1 else name, server) for name, server in named]
