"""Unites the containers or files of one provider into one configuration, and updates it when one changes.

Definitions of one name with equal values become one object; that is how scaled services form. If values
differ, it is unclear which ones are meant, so all of them are left out, as in Traefik 3. Of Traefik 1's
routers the first one is used, as in Traefik 1, unless their middlewares differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from discovery.certificates.combination import combine
from discovery.decoding.decoded import Decoded
from discovery.merging.implicit_services import ImplicitServices
from rondpoint.certificate_options import may_be_shown
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity, lost_rules_hint
from rondpoint.middlewares.redaction import redact_headers, redact_middleware, redact_sent
from rondpoint.middlewares.schemas import SCHEMAS, TCP_SCHEMAS
from rondpoint.model import Middleware, Router, Server, ServersTransport, Service
from rondpoint.rules.expression import Rule
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService


def unite(parts: Iterable[Decoded], provider: str) -> Configuration:
    """Unite `parts` into one configuration; their order does not matter."""
    union = Union(provider)
    for number, decoded in enumerate(parts):
        union.put(str(number), decoded)
    return union.configuration()


_Service = Service | TcpService | UdpService
_Server = Server | TcpServer | UdpServer
_Object = (
    Router
    | Middleware
    | ServersTransport
    | TlsOptions
    | Certificate
    | TcpRouter
    | TcpServersTransport
    | UdpRouter
    | _Service
)
_Definition = tuple[Decoded, _Object]
_KINDS = {
    "router": "routers",
    "middleware": "middlewares",
    "service": "services",
    "serversTransport": "servers_transports",
    "TLS options": "tls_options",
    "certificate": "certificates",
    "TCP router": "tcp_routers",
    "TCP middleware": "tcp_middlewares",
    "TCP service": "tcp_services",
    "TCP serversTransport": "tcp_servers_transports",
    "UDP router": "udp_routers",
    "UDP service": "udp_services",
}
"""The kinds of objects as messages call them, and the sections that hold them."""
_KEYS = {
    "TLS options": "tlsOptions",
    "TCP router": "tcpRouters",
    "TCP middleware": "tcpMiddlewares",
    "TCP service": "tcpServices",
    "TCP serversTransport": "tcpServersTransports",
    "UDP router": "udpRouters",
    "UDP service": "udpServices",
}
"""Kinds that the keys of Decoded call by another name."""


class Union:
    """Decoded containers or files by key, united into one configuration.

    The cost of replacing one depends on the definitions that share names with its objects.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._implicit_services = ImplicitServices(provider)
        self._decoded: dict[str, Decoded] = {}
        self._definitions: dict[str, dict[str, dict[str, _Definition]]] = {kind: {} for kind in _KINDS}
        self._agreed: dict[str, dict[str, _Object]] = {kind: {} for kind in _KINDS}
        self._conflicts: dict[str, dict[str, Diagnostic]] = {kind: {} for kind in _KINDS}
        self._dirty: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        self._diagnostics: tuple[Diagnostic, ...] | None = None

    def put(self, key: str, decoded: Decoded) -> None:
        """Add or replace the decoded container or file under `key`."""
        self._implicit_services.put(key, decoded)

    def remove(self, key: str) -> None:
        """Remove a key; an unknown key is ignored."""
        self._implicit_services.remove(key)

    def configuration(self) -> Configuration:
        """Return the configuration of everything under all keys; unchanged objects stay the same objects."""
        self._apply(self._implicit_services.take_changes())
        for kind, names in self._dirty.items():
            for name in names:
                self._settle(kind, name)
            names.clear()
        if self._diagnostics is None:
            self._diagnostics = tuple(self._all_diagnostics())
        agreed: Any = {section: dict(self._agreed[kind]) for kind, section in _KINDS.items()}
        return Configuration(**agreed, diagnostics=self._diagnostics)

    def _apply(self, changed: Mapping[str, Decoded | None]) -> None:
        for key, decoded in changed.items():
            before = self._decoded.pop(key, None)
            for kind, item in _objects(before):
                self._definitions[kind][item.name].pop(key, None)
                self._dirty[kind].add(item.name)
            if decoded is not None:
                self._decoded[key] = decoded
            for kind, item in _objects(decoded):
                self._definitions[kind].setdefault(item.name, {})[key] = (decoded, item)  # type: ignore[assignment]
                self._dirty[kind].add(item.name)
            if (before and before.diagnostics) or (decoded and decoded.diagnostics):
                self._diagnostics = None

    def _settle(self, kind: str, name: str) -> None:
        """Unite all definitions of a name again."""
        if self._conflicts[kind].pop(name, None) is not None:
            self._diagnostics = None
        self._agreed[kind].pop(name, None)
        given = sorted(self._definitions[kind].get(name, {}).values(), key=_subject)
        if not given:
            self._definitions[kind].pop(name, None)
            return
        found = self._agree(kind, name, given)
        if found is not None:
            self._agreed[kind][name] = found

    def _agree(self, kind: str, name: str, given: Sequence[_Definition]) -> _Object | None:
        """Return the object that the definitions agree on, or None; servers of a service may differ.

        `given` is sorted by subject.
        """
        (first_part, first), *others = given
        bare = _comparable(first)
        for decoded, item in others:
            if _comparable(item) != bare or _origin(decoded, item) != _origin(first_part, first):
                wins = _may_win(given[0], (decoded, item))
                self._conflicts[kind][name] = self._describe_conflict(kind, given[0], (decoded, item), wins)
                self._diagnostics = None
                if isinstance(first, TlsOptions):
                    # Without them, clients that they keep out might get the default options.
                    return replace(first, unserved=f"{first_part.subject} and {decoded.subject} differ")
                if not wins:
                    return None
                break
        if isinstance(first, _Service):
            origin = _origin(first_part, first)
            same = (item for decoded, item in given if _origin(decoded, item) == origin)
            return replace(first, servers=_servers(same))  # type: ignore[arg-type]
        if isinstance(first, Certificate) and others:
            return reduce(combine, (item for _, item in given))  # type: ignore[arg-type]
        return first

    def _all_diagnostics(self) -> Iterator[Diagnostic]:
        for decoded in sorted(
            (decoded for decoded in self._decoded.values() if decoded.diagnostics), key=_decoded_subject
        ):
            yield from decoded.diagnostics
        for conflicts in self._conflicts.values():
            for name in sorted(conflicts):
                yield conflicts[name]

    def _describe_conflict(self, kind: str, one: _Definition, other: _Definition, wins: bool) -> Diagnostic:
        (first_part, first), (decoded, item) = one, other
        key = decoded.keys.get(f"{_KEYS.get(kind, f'{kind}s')}.{item.name}")
        written = f" ({key})" if key else ""
        outcome = f"that of {first_part.subject} is used" if wins else "both are left out"
        if isinstance(item, TlsOptions):
            outcome = "connections with these options are refused"
        origins = _origin(first_part, first), _origin(decoded, item)
        difference = (
            _difference(_comparable(first), _comparable(item))
            if origins[0] == origins[1]
            else f"its servers are those of {origins[1]} against {origins[0]}"
        )
        return Diagnostic(
            Severity.ERROR,
            self._provider,
            decoded.subject,
            f"{kind} {item.name}{written} is defined differently in {first_part.subject}: "
            f"{difference}; {outcome}",
            "; ".join(["give them equal values or different names", *_unserved_rules((first, item), wins)]),
            about=f"{kind} {item.name}",
        )


def _objects(decoded: Decoded | None) -> Iterator[tuple[str, _Object]]:
    if decoded is not None:
        for kind, section in _KINDS.items():
            yield from ((kind, item) for item in getattr(decoded, section))


def _comparable(item: _Object) -> _Object:
    """Return what must be equal in all definitions of one name."""
    if isinstance(item, _Service):
        return replace(item, servers=())
    if isinstance(item, Certificate) and item.chain:
        # It may lie in several files, and its name is that of its contents.
        return Certificate(item.name, "", "")
    return item


def _origin(decoded: Decoded, item: _Object) -> str:
    return decoded.origins.get(item.name, "") if isinstance(item, _Service) else ""


def _subject(definition: _Definition) -> str:
    return definition[0].subject


def _decoded_subject(decoded: Decoded) -> str:
    return decoded.subject


def _unserved_rules(routers: Iterable[_Object], wins: bool) -> Iterator[str]:
    rules = {item.rule.text: None for item in routers if isinstance(item, (Router, TcpRouter))}
    if rules and not wins:
        yield lost_rules_hint(*rules)


def _may_win(one: _Definition, other: _Definition) -> bool:
    """Check whether the first of two that differ may be used without less protection than meant."""
    (first_part, first), (decoded, item) = one, other
    if not (first_part.first_wins and decoded.first_wins):
        return False
    return _same_middlewares(first, item) or _origin(first_part, first) != _origin(decoded, item)


def _same_middlewares(one: _Object, other: _Object) -> bool:
    return isinstance(one, Router) and isinstance(other, Router) and one.middlewares == other.middlewares


def _difference(one: _Object, other: _Object) -> str:
    """Describe the fields in which two objects differ, with both values; secrets are not shown."""
    left, right = dict(_fields(_redact(one))), dict(_fields(_redact(other)))
    shown = [
        f"{name} {_format_value(right.get(name))} against {_format_value(left.get(name))}"
        for name in dict.fromkeys((*left, *right))
        if left.get(name) != right.get(name)
    ]
    return ", ".join(shown) or "options that are not shown"


def _fields(item: Struct, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the fields by path, also those of nested structs; a rule is one value."""
    for name, value in asdict(item).items():
        if isinstance(value, Struct) and not isinstance(value, Rule):
            yield from _fields(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _redact(item: _Object) -> _Object:
    if isinstance(item, Middleware):
        # Kinds of TCP have no secret options.
        return redact_middleware(item) if item.kind in SCHEMAS else redact_middleware(item, TCP_SCHEMAS)
    if isinstance(item, TlsOptions):
        # They are long texts.
        digests = (sha256(text.encode()).hexdigest()[:8] for text in item.client_authorities)
        return replace(item, client_authorities=tuple(digests))
    if isinstance(item, ServersTransport):
        return _redact_transport(item)
    if isinstance(item, TcpServersTransport) and item.tls is not None:
        return replace(item, tls=_redact_transport(item.tls))
    if isinstance(item, TcpService):
        return _redact_tcp_service(item)
    if isinstance(item, Service) and item.health_check is not None:
        check = item.health_check
        return replace(item, health_check=replace(check, headers=redact_headers(check.headers)))
    return item


def _redact_tcp_service(service: TcpService) -> TcpService:
    transport, check = service.transport, service.health_check
    if transport is not None and transport.tls is not None:
        transport = replace(transport, tls=_redact_transport(transport.tls))
    if check is not None:
        check = replace(check, send=redact_sent(check.send))
    return replace(service, transport=transport, health_check=check)


def _redact_transport(transport: ServersTransport) -> ServersTransport:
    certificate = transport.certificate
    if certificate is None or may_be_shown(certificate.key_file):
        return transport
    digest = sha256(certificate.key_file.encode()).hexdigest()[:8]
    return replace(transport, certificate=replace(certificate, key_file=digest))


def _format_value(value: object) -> str:
    text = getattr(value, "text", value)
    if text is None or text == "":
        return "nothing"
    if isinstance(text, tuple):
        return "[" + ", ".join(map(str, text)) + "]"
    return str(text)


def _servers(services: Iterable[_Service]) -> tuple[_Server, ...]:
    """Collect the servers of all services, sorted by name; equal names get the port or address appended."""
    given: list[_Server] = [server for service in services for server in service.servers]
    distinct = list({(server.name, location_of(server)): server for server in given}.values())
    by_name = [(server.name, server) for server in distinct]
    by_port = _disambiguate(by_name, lambda server: f"{server.name}:{server.port}")
    named = _disambiguate(by_port, lambda server: f"{server.name}@{location_of(server)}")
    servers = (server if server.name == name else replace(server, name=name) for name, server in named)
    return tuple(sorted(servers, key=lambda server: server.name))


def location_of(server: Server | TcpServer | UdpServer) -> str:
    """Return the URL of an HTTP server, or the address of another one."""
    return server.url if isinstance(server, Server) else server.address


def _disambiguate(
    named: Sequence[tuple[str, _Server]], longer: Callable[[_Server], str]
) -> Sequence[tuple[str, _Server]]:
    """Replace names that occur more than once by the `longer` name."""
    times = Counter(name for name, _ in named)
    return [(longer(server) if times[name] > 1 else name, server) for name, server in named]
