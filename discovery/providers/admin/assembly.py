"""Builds the configurations of the providers `admin` and `rest` from the stored document."""

from __future__ import annotations

from discovery.admin.decoding import decode_object, decode_rest, provider_tree
from discovery.merging.union import Union, unite
from rondpoint.configuration import Configuration
from rondpoint.store.admin.document import ADMIN, REST, Document, decode_stored, split_field
from rondpoint.store.admin.sections import SECTIONS


class ObjectAssembler:
    """Builds the configuration of the provider `admin`; each call decodes only the objects that changed."""

    def __init__(self) -> None:
        self._union = Union(ADMIN)
        self._known: dict[str, bytes] = {}

    def __call__(self, document: Document) -> Configuration:
        objects = {field: raw for field, raw in document.objects.items() if _is_of_admin(field)}
        for field in self._known.keys() - objects.keys():
            self._union.remove(field)
        for field, raw in objects.items():
            if self._known.get(field) == raw:
                continue
            stored = decode_stored(raw)
            if stored is None:
                # Only agents write here. An object that something else has damaged keeps its last good value.
                objects[field] = self._known.get(field, b"")
                continue
            _, section, name = split_field(field)
            self._union.put(field, decode_object(section, name, stored.value))
        self._known = objects
        return self._union.configuration()


def _is_of_admin(field: str) -> bool:
    provider, section, _ = split_field(field)
    return provider == ADMIN and section in SECTIONS


def assemble_rest(document: Document) -> Configuration:
    """Return the configuration of the provider `rest`, whose objects are decoded together."""
    return unite([decode_rest(provider_tree(document, REST))], REST)
