"""Decodes the objects that the API defines, with the decoders of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from discovery import dynamic
from discovery.admin.stored_fields import join_tree
from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.admin.document import ADMIN, REST, Document, decode_stored, split_field

SUBJECT = "the API"


def decode_object(section: str, name: str, value: Any) -> Decoded:
    """Decode one object of the provider `admin`; `section` is for example `http/routers`."""
    tree = join_tree([(section, name, value)])
    return dynamic.decode(tree, ADMIN, f"{SUBJECT}: {section.replace('/', '.')}.{name}")


def decode_rest(tree: Mapping[str, Any]) -> Decoded:
    """Decode all objects of the provider `rest`, without certificates and TLS options.

    The agent would read the files that they name, and clients of the API may not make it do so.
    """
    subject = f"{SUBJECT}: providers/rest"
    served = {name: part for name, part in tree.items() if name.lower() != "tls"}
    decoded = dynamic.decode(served, REST, subject)
    if len(served) == len(tree):
        return decoded
    message = "tls is not served by the API, and has no effect"
    hint = "define certificates and TLS options in a file"
    refused = Diagnostic(Severity.ERROR, REST, subject, message, hint)
    return replace(decoded, diagnostics=(*decoded.diagnostics, refused))


def provider_tree(document: Document, provider: str) -> dict[str, Any]:
    """Return the tree of a provider's objects in the document, as the API's clients sent them."""
    objects = []
    for field, raw in document.objects.items():
        owner, section, name = split_field(field)
        if owner == provider and (stored := decode_stored(raw)) is not None:
            objects.append((section, name, stored.value))
    return join_tree(objects)
