"""Decodes the objects that define routes, and again those whose own or looked-up objects changed."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.certificates.loading import Seal
from discovery.certificates.reader import CertificateReader
from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import Resource
from discovery.merging.guarded_decoding import decode_guarded
from discovery.merging.union import Union
from discovery.providers.kubernetes.cluster_view import ALL, ClusterView, Kinds
from discovery.providers.kubernetes.lookup import Decode
from rondpoint.configuration import Configuration


class Definitions:
    """The definitions of one provider, decoded from `objects`; a change costs what it changes.

    `roots` are the resources whose objects define something, `others` those that decoders look up. Of several
    resources of one kind, in different API groups or versions, an object of the first one hides those of its
    name in the others.
    """

    def __init__(
        self,
        provider: str,
        objects: Objects,
        roots: Iterable[Resource],
        others: Iterable[Resource],
        decode: Decode,
        seal: Seal,
    ) -> None:
        self._provider = provider
        roots = tuple(roots)
        self._objects = objects
        self._defining = frozenset(each.kind for each in roots)
        self._kinds = Kinds((*roots, *others))
        self._decode = decode
        self._union = Union(provider)
        self._certificates = CertificateReader(provider, seal)
        self._decoded: dict[Key, Decoded] = {}
        self._with_certificates: dict[Key, Decoded] = {}
        self._certificates_changed = False
        self._completed: dict[Key, Decoded] = {}
        self._looked_up: dict[Key, frozenset[Key]] = {}
        self._dependents: dict[Key, set[Key]] = {}

    def refresh(self, changed: Iterable[Key]) -> bool:
        """Decode again what these changed objects affect; return whether definitions may differ."""
        affected: set[Key] = set()
        for key in map(self._kinds.settle, changed):
            if key[0].kind in self._defining:
                affected.add(key)
            resource, namespace, _ = key
            for each in (key, (resource, namespace, ALL), (resource, "", ALL)):
                affected |= self._dependents.get(each, set())
        changed_keys = [key for key in affected if self._update(key)]
        if self._certificates_changed:
            self._complete()
        return bool(changed_keys)

    def configuration(self) -> Configuration:
        """Return the configuration of all objects, as of the last refresh."""
        return self._union.configuration()

    def _update(self, key: Key) -> bool:
        """Decode one object again; return whether its definitions changed.

        A status that somebody writes changes an object and not its definitions, which stay the same objects.
        """
        item = self._kinds.find(key, self._objects)
        view = ClusterView(self._objects, self._kinds)
        decoded = None if item is None else self._decode_one(key, item, view)
        self._note_looked_up(key, frozenset(view.looked_up))
        if decoded == self._decoded.get(key):
            return False
        if self._with_certificates.pop(key, None) is not None:
            self._certificates_changed = True
        if decoded is None:
            del self._decoded[key]
            self._union.remove(_part(key))
            return True
        self._decoded[key] = decoded
        if decoded.pairs or any(options.client_authorities for options in decoded.tls_options):
            self._with_certificates[key] = decoded
            self._certificates_changed = True
        else:
            self._union.put(_part(key), decoded)
        return True

    def _complete(self) -> None:
        """Read the certificates of all objects that have some; those that did not change are remembered."""
        self._certificates_changed = False
        self._certificates.refresh(self._with_certificates.values())
        before, self._completed = self._completed, {}
        for key, completed in zip(self._with_certificates, self._certificates.completed, strict=True):
            self._completed[key] = completed
            if before.get(key) != completed:
                self._union.put(_part(key), completed)

    def _note_looked_up(self, key: Key, looked_up: frozenset[Key]) -> None:
        before = self._looked_up.pop(key, frozenset())
        for each in before - looked_up:
            dependents = self._dependents[each]
            dependents.discard(key)
            if not dependents:
                del self._dependents[each]
        for each in looked_up - before:
            self._dependents.setdefault(each, set()).add(key)
        if looked_up:
            self._looked_up[key] = looked_up

    def _decode_one(self, key: Key, item: Object, view: ClusterView) -> Decoded:
        kind = key[0].kind
        subject = f"{kind} {'/'.join(filter(None, key[1:]))}"
        (decoded,) = decode_guarded(
            lambda: (self._decode(kind, item, view),), subject, "manifest", self._provider
        )
        return decoded


def _part(key: Key) -> str:
    resource, namespace, name = key
    return f"{resource.group}/{resource.kind} {namespace}/{name}"
