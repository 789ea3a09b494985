"""One provider's containers or files, united into one configuration.

Objects of one name with the same values are one object: that is how scaled services come about. Where
values differ, nobody can say which are meant, and all of them go, as in Traefik 3; but of Traefik 1's
routers the first stands, as there, unless they differ in what guards them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import asdict, replace

from discovery.decoding.decoded import Decoded
from discovery.guesses import join_guessed_services
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.middlewares.redaction import redacted
from rondpoint.model import Configuration, Middleware, Router, Server, Service

Named = TypeVar("Named", Router, Service, Middleware)


def unite(parts: Iterable[Decoded], provider: str) -> Configuration:
    """The configuration that `parts` make together; their order does not matter."""
    ordered = join_guessed_services(sorted(parts, key=lambda part: part.subject), provider)
    union = _Union(provider)
    routers = union.merged("router", _by_name(ordered, lambda part: part.routers))
    middlewares = union.merged("middleware", _by_name(ordered, lambda part: part.middlewares))
    services = union.services(_by_name(ordered, lambda part: part.services))
    own = tuple(diagnostic for part in ordered for diagnostic in part.diagnostics)
    return Configuration(routers, services, middlewares, own + tuple(union.diagnostics))


_Definitions = dict[str, list[tuple[Decoded, Named]]]
_Object = Router | Service | Middleware
_Definition = tuple[Decoded, _Object]


def _by_name(parts: Sequence[Decoded], pick: Callable[[Decoded], tuple[Named, ...]]) -> _Definitions[Named]:
    found: _Definitions[Named] = {}
    for part in parts:
        for item in pick(part):
            found.setdefault(item.name, []).append((part, item))
    return dict(sorted(found.items()))


class _Union:
    """Merges definitions by name, and collects what is to be said of it."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self.diagnostics: list[Diagnostic] = []

    def merged(self, kind: str, definitions: _Definitions[Named]) -> dict[str, Named]:
        """Each object that all its definitions agree on."""
        agreed = {name: self._agreed(kind, given) for name, given in definitions.items()}
        return {name: item for name, item in agreed.items() if item is not None}

    def services(self, definitions: _Definitions[Service]) -> dict[str, Service]:
        """Each service that its definitions agree on but for the servers, with the servers of all."""
        bare = {
            name: [(part, replace(service, servers=())) for part, service in given]
            for name, given in definitions.items()
        }
        agreed = self.merged("service", bare)
        return {
            name: replace(service, servers=_servers(item for _, item in definitions[name]))
            for name, service in agreed.items()
        }

    def _agreed(self, kind: str, given: list[tuple[Decoded, Named]]) -> Named | None:
        (first_part, first), *others = given
        for part, item in others:
            if item != first:
                stands = first_part.first_stands and part.first_stands and _guarded_alike(first, item)
                self._tell(kind, (first_part, first), (part, item), stands)
                return first if stands else None
        return first

    def _tell(self, kind: str, one: _Definition, other: _Definition, stands: bool) -> None:
        (first_part, first), (part, item) = one, other
        key = part.keys.get(f"{kind}s.{item.name}", item.name)
        outcome = f"that of {first_part.subject} stands" if stands else "both are left out"
        self.diagnostics.append(
            Diagnostic(
                Severity.ERROR,
                self._provider,
                part.subject,
                f"{kind} {item.name} ({key}) is defined otherwise in {first_part.subject}: "
                f"{_difference(first, item)}; {outcome}",
                "give them the same values, or different names",
            )
        )


def _guarded_alike(one: _Object, other: _Object) -> bool:
    return isinstance(one, Router) and isinstance(other, Router) and one.middlewares == other.middlewares


def _difference(one: _Object, other: _Object) -> str:
    """The fields in which two objects differ, with both values, but for what is secret."""
    left, right = asdict(_open(one)), asdict(_open(other))
    told = [
        f"{name} {_shown(right[name])} against {_shown(left[name])}"
        for name in left
        if left[name] != right[name]
    ]
    return ", ".join(told) or "options that are not shown"


def _open(item: _Object) -> _Object:
    return redacted(item) if isinstance(item, Middleware) else item


def _shown(value: object) -> str:
    text = getattr(value, "text", value)
    if isinstance(text, tuple):
        return "[" + ", ".join(map(str, text)) + "]"
    return str(text)


def _servers(services: Iterable[Service]) -> tuple[Server, ...]:
    """The servers of all, in order of name; where a name comes twice, its port tells them apart."""
    given = [server for service in services for server in service.servers]
    distinct = list({(server.name, server.url): server for server in given}.values())
    times = Counter(server.name for server in distinct)
    return tuple(
        sorted(
            (
                replace(server, name=f"{server.name}:{server.port}") if times[server.name] > 1 else server
                for server in distinct
            ),
            key=lambda server: server.name,
        )
    )
