"""Validates proposals against the stored document; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from discovery.admin.decoding import decode_object, decode_rest, provider_tree
from discovery.admin.field_diagnostics import to_field_diagnostic
from discovery.admin.merge_patch import merge_patch
from discovery.admin.stored_fields import split_tree
from discovery.decoding.decoded import Decoded
from discovery.decoding.plain_trees import TooLargeError, plain
from rondpoint.middlewares.redaction import HIDDEN
from rondpoint.model import Router
from rondpoint.store.admin.digests import digest
from rondpoint.store.admin.document import ADMIN, REST, Document, StoredObject, field_name, split_field
from rondpoint.store.admin.history import Difference, HistoryEntry
from rondpoint.store.admin.proposals import FieldDiagnostic, Outcome, Proposal
from rondpoint.store.admin.rollback import RollbackError, rollback_values
from rondpoint.store.admin.sections import SECTIONS, whole_section

RESPONSE_FIELDS = frozenset(
    ("name", "provider", "status", "error", "using", "usedBy", "type", "serverStatus", "priorityStr")
)
"""Fields that the API adds to the objects in its responses.

Clients that send an object back send these too.
"""

_SECTION_RESPONSE_FIELDS = {"services": frozenset(("servers",))}

MAX_NAME_LENGTH = 255


class EntryPointNames(Struct, frozen=True):
    """The names of the entry points for TCP, and so for HTTP, and of those for UDP."""

    tcp: tuple[str, ...] = ()
    udp: tuple[str, ...] = ()


class ValidationResult(Struct, frozen=True):
    """The result of a validation.

    `values`: field → the value to write, None to remove it; `decoded`: the same, decoded.
    """

    outcome: Outcome
    diagnostics: tuple[FieldDiagnostic, ...] = ()
    values: Mapping[str, Any] = {}
    decoded: tuple[Decoded, ...] = ()
    created: bool = False


def validate(
    proposal: Proposal, document: Document, history: Sequence[HistoryEntry], entry_points: EntryPointNames
) -> ValidationResult:
    """Validate a proposal against a document."""
    if proposal.action == "rollback":
        return _validate_rollback(proposal, document, history, entry_points)
    if proposal.action == "replace":
        return _validate_replacement(proposal, document, entry_points)
    return _validate_object(proposal, document, entry_points)


def changed_objects(validation: ValidationResult, before: Document) -> dict[str, dict[str, str | None]]:
    """Return the published objects that change.

    The result maps sections of `Configuration` and qualified names to digests, None for a removed object.
    """
    new = _digests(validation.decoded)
    old = _digests(_decoded_before(validation, before))
    changed: dict[str, dict[str, str | None]] = {}
    for kind in SECTIONS.values():
        removed: dict[str, str | None] = {name: None for name in old[kind] if name not in new[kind]}
        other = {name: value for name, value in new[kind].items() if old[kind].get(name) != value}
        if removed or other:
            changed[kind] = {**removed, **other}
    return changed


def differences(validation: ValidationResult, before: Document) -> dict[str, Difference]:
    """Return the changed values by field, before and after."""
    found = {}
    for field, value in validation.values.items():
        stored = before.stored(field)
        found[field] = Difference(None if stored is None else stored.value, value)
    return found


def _validate_object(
    proposal: Proposal, document: Document, entry_points: EntryPointNames
) -> ValidationResult:
    section = whole_section(proposal.section)
    field = field_name(ADMIN, section, proposal.name)
    stored = document.stored(field)
    if section not in SECTIONS or not _is_valid_name(proposal.name):
        message = f"{proposal.name!r} is no valid name: it is empty, too long, or has @ or control characters"
        return ValidationResult("invalid", (FieldDiagnostic(message, error=True),))
    if not _precondition_holds(proposal, stored):
        return ValidationResult("conflict")
    if proposal.action == "delete":
        return (
            ValidationResult("missing") if stored is None else ValidationResult("done", values={field: None})
        )
    if proposal.action == "patch" and stored is None:
        return ValidationResult("missing")
    value, fault = _decode_body(proposal)
    if fault is not None:
        return ValidationResult("unreadable", (fault,))
    value = _remove_response_fields(value, section.rpartition("/")[2])
    hidden = tuple(_redacted_values(value, ""))
    if hidden:
        return ValidationResult("invalid", hidden)
    if proposal.action == "patch" and stored is not None:
        value = merge_patch(stored.value, value)
    decoded, diagnostics = _decode_and_check(section, proposal.name, value, entry_points)
    if any(diagnostic.error for diagnostic in diagnostics):
        return ValidationResult("invalid", diagnostics)
    if stored is not None and stored.value == value:
        return ValidationResult("unchanged", diagnostics, decoded=(decoded,))
    return ValidationResult("done", diagnostics, {field: value}, (decoded,), created=stored is None)


def _validate_replacement(
    proposal: Proposal, document: Document, entry_points: EntryPointNames
) -> ValidationResult:
    if proposal.match is not None and document.version not in proposal.match:
        return ValidationResult("conflict")
    tree, fault = _decode_body(proposal)
    if fault is not None:
        return ValidationResult("unreadable", (fault,))
    hidden = tuple(_redacted_values(tree, ""))
    if hidden:
        return ValidationResult("invalid", hidden)
    decoded = decode_rest(tree)
    diagnostics = (
        *(to_field_diagnostic(item, "", strict=False) for item in decoded.diagnostics),
        *_unknown_entry_points(decoded, entry_points, whole=True),
    )
    if any(diagnostic.error for diagnostic in diagnostics):
        return ValidationResult("invalid", diagnostics)
    given = split_tree(REST, tree)
    values = {field: value for field, value in given.items() if _value(document, field) != value}
    for field in document.objects:
        if split_field(field)[0] == REST and field not in given:
            values[field] = None
    if not values:
        return ValidationResult("unchanged", diagnostics, decoded=(decoded,))
    return ValidationResult("done", diagnostics, values, (decoded,))


def _validate_rollback(
    proposal: Proposal, document: Document, history: Sequence[HistoryEntry], entry_points: EntryPointNames
) -> ValidationResult:
    if proposal.match is not None and document.version not in proposal.match:
        return ValidationResult("conflict")
    try:
        values = rollback_values(document, history, proposal.version)
    except RollbackError as error:
        return ValidationResult(error.outcome, (FieldDiagnostic(str(error), error=True),))
    if not values:
        return ValidationResult("unchanged")
    decoded: list[Decoded] = []
    diagnostics: list[FieldDiagnostic] = []
    for field, value in values.items():
        provider, section, name = split_field(field)
        if provider == ADMIN and value is not None:
            part, found = _decode_and_check(section, name, value, entry_points)
            decoded.append(part)
            diagnostics += (msgspec.structs.replace(item, path=f"{field}: {item.path}") for item in found)
    if any(split_field(field)[0] == REST for field in values):
        part = decode_rest(_rest_tree_after(document, values))
        decoded.append(part)
        diagnostics += (to_field_diagnostic(item, "", strict=False) for item in part.diagnostics)
    if any(diagnostic.error for diagnostic in diagnostics):
        return ValidationResult("invalid", tuple(diagnostics))
    return ValidationResult("done", tuple(diagnostics), values, tuple(decoded))


def _decode_and_check(
    section: str, name: str, value: Any, entry_points: EntryPointNames
) -> tuple[Decoded, tuple[FieldDiagnostic, ...]]:
    decoded = decode_object(section, name, value)
    parent = f"{section.replace('/', '.')}.{name}"
    diagnostics = (
        *(to_field_diagnostic(item, parent, strict=True) for item in decoded.diagnostics),
        *_unknown_entry_points(decoded, entry_points, whole=False),
        *_parents_without_service(decoded.routers),
    )
    return decoded, diagnostics


def _unknown_entry_points(
    decoded: Decoded, entry_points: EntryPointNames, *, whole: bool
) -> Iterator[FieldDiagnostic]:
    named: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        *((router.name, router.entry_points, entry_points.tcp) for router in decoded.routers),
        *((router.name, router.entry_points, entry_points.tcp) for router in decoded.tcp_routers),
        *((router.name, router.entry_points, entry_points.udp) for router in decoded.udp_routers),
    ]
    for router, names, known in named:
        for name in names:
            if name not in known:
                path = f"{router.partition('@')[0]}.entryPoints" if whole else "entryPoints"
                hint = f"the entry points are {', '.join(sorted(known)) or 'none'}"
                yield FieldDiagnostic(f"entry point {name!r} does not exist", path, hint, error=True)


def _parents_without_service(routers: Collection[Router]) -> Iterator[FieldDiagnostic]:
    """Yield a warning for each router without a service: another object decides whether it is served."""
    for router in routers:
        if not router.service:
            message = "the router names no service: it is left out until another router has it as parent"
            yield FieldDiagnostic(message, "service", f"parentRefs: [{router.name}]")


def _rest_tree_after(document: Document, values: Mapping[str, Any]) -> dict[str, Any]:
    objects = dict(document.objects)
    for field, value in values.items():
        if value is None:
            objects.pop(field, None)
        else:
            objects[field] = msgspec.json.encode(StoredObject(0, value))
    return provider_tree(Document(document.version, objects), REST)


def _decoded_before(validation: ValidationResult, before: Document) -> Iterator[Decoded]:
    if any(split_field(field)[0] == REST for field in validation.values):
        yield decode_rest(provider_tree(before, REST))
    for field in validation.values:
        provider, section, name = split_field(field)
        stored = before.stored(field)
        if provider == ADMIN and stored is not None:
            yield decode_object(section, name, stored.value)


def _digests(parts: Iterator[Decoded] | Collection[Decoded]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {kind: {} for kind in SECTIONS.values()}
    for part in parts:
        for kind, digests in found.items():
            digests.update((item.name, digest(item)) for item in getattr(part, kind))
    return found


def _precondition_holds(proposal: Proposal, stored: StoredObject | None) -> bool:
    """Return whether the stored object fulfils the proposal's preconditions."""
    if proposal.must_be_absent and stored is not None:
        return False
    if proposal.must_exist and stored is None:
        return False
    return proposal.match is None or (stored is not None and stored.version in proposal.match)


def _decode_body(proposal: Proposal) -> tuple[Any, FieldDiagnostic | None]:
    """Return the body's JSON object in plain values; or a diagnostic if it is not one."""
    try:
        value = plain(msgspec.json.decode(proposal.body))
    except (msgspec.DecodeError, TooLargeError, RecursionError) as error:
        return None, FieldDiagnostic(f"the body is not usable JSON: {error}", error=True)
    if not isinstance(value, dict):
        return None, FieldDiagnostic("the body is not a JSON object", error=True)
    return value, None


def _remove_response_fields(value: Mapping[str, Any], section: str) -> dict[str, Any]:
    added = RESPONSE_FIELDS | _SECTION_RESPONSE_FIELDS.get(section, frozenset())
    return {name: item for name, item in value.items() if name not in added}


def _redacted_values(value: Any, path: str) -> Iterator[FieldDiagnostic]:
    """Yield an error for each field that holds the placeholder for a secret instead of the secret."""
    if value == HIDDEN:
        yield FieldDiagnostic(
            f"{path}: {HIDDEN} is a placeholder for a secret", path, "send the secret itself", error=True
        )
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _redacted_values(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _redacted_values(item, f"{path}[{number}]")


def _value(document: Document, field: str) -> Any:
    stored = document.stored(field)
    return None if stored is None else stored.value


def _is_valid_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME_LENGTH and "@" not in name and name.isprintable()
