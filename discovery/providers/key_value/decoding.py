"""Decodes a tree of keys part by part, so that a change decodes only what it touches."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from discovery import dynamic
from discovery.certificates.reader import CertificateReader
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.merging.union import Union
from discovery.providers.key_value.parts import (
    BACKENDS,
    REST,
    SERVICES,
    SERVICES_OF,
    Part,
    is_folder,
    is_misspelt,
    part_of,
)
from discovery.providers.key_value.retained_keys import Changes, Keys
from discovery.providers.key_value.tree import unfold
from rondpoint.configuration import Configuration
from rondpoint.model import Router
from rondpoint.tcp.model import TcpRouter
from rondpoint.udp.model import UdpRouter

_NOTHING: Keys = {}


class DecodedKeys:
    """The keys below one prefix, decoded. Objects of unchanged parts stay the same objects.

    A router depends on its service if that one is invalid, and a frontend on the options of its backend.
    The keys of this *context* are decoded with the part, and its own objects and diagnostics are left out.
    If a section of a protocol is misspelt, all keys are one part.
    """

    def __init__(self, provider: str, prefix: str, certificates: CertificateReader) -> None:
        self._provider = provider
        self._prefix = prefix
        self._subject = f"keys below {prefix}/"
        self._certificates = certificates
        self._union = Union(provider)
        self._keys: dict[str, bytes] = {}
        self._parts: dict[Part, dict[str, bytes]] = {}
        self._misspelt: set[str] = set()
        self._contexts: dict[Part, Keys] = {}
        self._service_of: dict[Part, Part] = {}
        self._dependents: dict[Part, set[Part]] = {}
        self._rest = Decoded(self._subject)
        certificates.refresh((self._rest,))

    def apply(self, changes: Changes) -> None:
        """Apply changed keys, and decode the parts that they touch."""
        was_whole = bool(self._misspelt)
        dirty = {part for key, value in changes.items() if (part := self._put(key, value)) is not None}
        if bool(self._misspelt) != was_whole:
            for part in self._parts:
                self._union.remove(_key(part))
            dirty = self._divide()
        elif was_whole:
            dirty = {REST}
        contexts = [part for part in dirty if part.section in (*SERVICES, BACKENDS)]
        dependents = {
            each for part in contexts if self._decode(part) for each in self._dependents.get(part, ())
        }
        for part in (dirty | dependents).difference(contexts):
            self._decode(part)

    def refresh_files(self) -> bool:
        """Read the files again that keys name; return whether the result changed."""
        if not self._certificates.refresh((self._rest,)):
            return False
        self._union.put(_key(REST), self._certificates.completed[0])
        return True

    def configuration(self) -> Configuration:
        """Return the configuration of all keys."""
        found = self._union.configuration()
        return replace(found, diagnostics=tuple(dict.fromkeys(found.diagnostics)))

    def _put(self, key: str, value: bytes | None) -> Part | None:
        """Store or remove a key; return its part, or None if the key has no effect."""
        segments = self._segments(key)
        if segments is None:
            return None
        if value is None:
            self._keys.pop(key, None)
            self._misspelt.discard(key)
        else:
            self._keys[key] = value
            if is_misspelt(segments):
                self._misspelt.add(key)
        part = part_of(segments)
        self._put_in(part, key, None if value is None or is_folder(segments, value) else value)
        return part

    def _put_in(self, part: Part, key: str, value: bytes | None) -> None:
        keys = self._parts.setdefault(part, {})
        if value is None:
            keys.pop(key, None)
        else:
            keys[key] = value

    def _divide(self) -> set[Part]:
        """Divide all keys into parts anew."""
        self._parts, self._contexts, self._service_of, self._dependents = {REST: {}}, {}, {}, {}
        for key, value in self._keys.items():
            segments = self._segments(key)
            if segments is not None and not is_folder(segments, value):
                self._put_in(part_of(segments), key, value)
        return {REST} if self._misspelt else set(self._parts)

    def _segments(self, key: str) -> list[str] | None:
        """Return the segments below the prefix; None for a folder, and for a key outside the prefix."""
        prefix = f"{self._prefix}/" if self._prefix else ""
        if not key.startswith(prefix) or key.endswith("/") or key == prefix:
            return None
        return key[len(prefix) :].split("/")

    def _decode(self, part: Part) -> bool:
        """Decode a part; return whether its context for other parts has changed."""
        keys = self._keys if self._misspelt else self._parts.get(part, _NOTHING)
        if not keys:
            self._parts.pop(part, None)
        decoded = self._decode_keys(keys)
        if part.section in SERVICES_OF:
            decoded = self._with_service(part, keys, decoded)
        if part == REST:
            self._rest = decoded
            self._certificates.refresh((decoded,))
            decoded = self._certificates.completed[0]
        if keys:
            self._union.put(_key(part), decoded)
        else:
            self._union.remove(_key(part))
        context = self._context(part, keys, decoded)
        before = self._contexts.pop(part, _NOTHING)
        if context:
            self._contexts[part] = context
        return context != before

    def _with_service(self, part: Part, keys: Keys, alone: Decoded) -> Decoded:
        """Decode a router or frontend with the context of its service."""
        service = self._find_service(part, alone)
        before = self._service_of.pop(part, None)
        if before is not None:
            self._dependents[before].discard(part)
        if service is None:
            return alone
        self._service_of[part] = service
        self._dependents.setdefault(service, set()).add(part)
        context = self._contexts.get(service)
        if not context:
            return alone
        return _without(self._decode_keys({**context, **keys}), self._decode_keys(context))

    def _find_service(self, part: Part, alone: Decoded) -> Part | None:
        suffix = qualify("", self._provider)
        routers: list[Router | TcpRouter | UdpRouter] = [
            *alone.routers,
            *alone.tcp_routers,
            *alone.udp_routers,
        ]
        for router in routers:
            if router.service.endswith(suffix):
                return Part(SERVICES_OF[part.section], router.service.removesuffix(suffix))
        return None

    def _context(self, part: Part, keys: Keys, decoded: Decoded) -> Keys:
        if part.section in SERVICES:
            return _NOTHING if any(_services_of(decoded)) else dict(keys)
        if part.section == BACKENDS:
            return {key: value for key, value in keys.items() if not self._is_server(key)}
        return _NOTHING

    def _is_server(self, key: str) -> bool:
        segments = self._segments(key) or []
        return len(segments) > _SERVERS and segments[_SERVERS].lower() == "servers"

    def _decode_keys(self, keys: Keys) -> Decoded:
        report = Report(self._provider, self._subject)
        decoded = dynamic.decode(unfold(keys, self._prefix, report), self._provider, self._subject)
        return replace(decoded, diagnostics=report.diagnostics + decoded.diagnostics)


_SERVERS = 2
"""The place of `servers` in a key of a backend."""


def _key(part: Part) -> str:
    return f"{part.section}/{part.name}"


def _without(decoded: Decoded, context: Decoded) -> Decoded:
    """Leave out the services and diagnostics of the context."""
    kept = {
        section: tuple(each for each in own if each.name not in {other.name for other in others})
        for section, own, others in zip(
            _SERVICE_FIELDS, _services_of(decoded), _services_of(context), strict=True
        )
    }
    given = set(context.diagnostics)
    kept["diagnostics"] = tuple(each for each in decoded.diagnostics if each not in given)
    return replace(decoded, **kept)


_SERVICE_FIELDS = ("services", "tcp_services", "udp_services")


def _services_of(decoded: Decoded) -> list[tuple[Any, ...]]:
    """Return the services of each protocol."""
    return [getattr(decoded, field) for field in _SERVICE_FIELDS]
