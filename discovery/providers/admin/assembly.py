"""From what is stored to the configurations of the two providers that the API feeds."""

from __future__ import annotations

from discovery.admin.decoding import decode_object, decode_rest, provider_tree
from discovery.merging.union import Union, unite
from rondpoint.model import Configuration
from rondpoint.store.admin.document import ADMIN, REST, Document, decode_stored, split_field


class ObjectAssembler:
    """The provider `admin`: a call costs what has changed since the last one."""

    def __init__(self) -> None:
        self._union = Union(ADMIN)
        self._known: dict[str, bytes] = {}

    def __call__(self, document: Document) -> Configuration:
        objects = {
            field: raw for field, raw in document.objects.items() if field.startswith(f"{ADMIN}/http/")
        }
        for field in self._known.keys() - objects.keys():
            self._union.remove(field)
        for field, raw in objects.items():
            if self._known.get(field) == raw:
                continue
            stored = decode_stored(raw)
            if stored is None:
                # Only the agent writes here; what somebody else has damaged keeps its last good value.
                objects[field] = self._known.get(field, b"")
                continue
            _, section, name = split_field(field)
            self._union.put(field, decode_object(section, name, stored.value))
        self._known = objects
        return self._union.configuration()


def assemble_rest(document: Document) -> Configuration:
    """The provider `rest`: what it defines refers to itself, and is decoded as a whole."""
    return unite([decode_rest(provider_tree(document, REST))], REST)
