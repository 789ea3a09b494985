"""What becomes of a proposal: pure, from the proposal and what the API has defined so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from discovery.admin.decoding import decode_object, decode_rest, tree_of
from discovery.admin.field_errors import located
from discovery.admin.merge_patch import merge_patch
from discovery.admin.stored_fields import cut
from discovery.decoding.decoded import Decoded
from discovery.decoding.plain_trees import TooLargeError, plain
from rondpoint.middlewares.redaction import HIDDEN
from rondpoint.model import Middleware, Router, Service
from rondpoint.store.admin.digests import digest
from rondpoint.store.admin.document import ADMIN, REST, Document, Stored, field_of, parts_of
from rondpoint.store.admin.history import Difference, Entry
from rondpoint.store.admin.proposals import Finding, Outcome, Proposal
from rondpoint.store.admin.rollback import RewindError, rewound

SECTIONS = ("routers", "services", "middlewares")

SHOWN_ONLY = frozenset(
    ("name", "provider", "status", "error", "using", "usedBy", "type", "serverStatus", "priorityStr")
)
"""What the API adds to objects that it shows: whoever sends one back sends these too."""

_SHOWN_OF = {"services": frozenset(("servers",))}

LONGEST_NAME = 255


class Judgement(Struct, frozen=True):
    """`values` by field are what is to be written, None for what goes; `decoded` is what they come to."""

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, Any] = {}
    decoded: tuple[Decoded, ...] = ()
    created: bool = False


def judge(
    proposal: Proposal, document: Document, history: Sequence[Entry], entry_points: Collection[str]
) -> Judgement:
    """Whether a proposal can be done, against this document."""
    if proposal.action == "rollback":
        return _rollback(proposal, document, history, entry_points)
    if proposal.action == "replace":
        return _replace(proposal, document, entry_points)
    return _one(proposal, document, entry_points)


def changed_objects(judgement: Judgement, before: Document) -> dict[str, dict[str, str | None]]:
    """What is published otherwise than before: digests by kind and qualified name, None for what is gone."""
    new = _published(judgement.decoded)
    old = _published(_decoded_before(judgement, before))
    changed: dict[str, dict[str, str | None]] = {}
    for kind in SECTIONS:
        gone: dict[str, str | None] = {name: None for name in old[kind] if name not in new[kind]}
        other = {name: value for name, value in new[kind].items() if old[kind].get(name) != value}
        if gone or other:
            changed[kind] = {**gone, **other}
    return changed


def differences(judgement: Judgement, before: Document) -> dict[str, Difference]:
    """The values by field, before and after."""
    found = {}
    for field, value in judgement.values.items():
        stored = before.stored(field)
        found[field] = Difference(None if stored is None else stored.value, value)
    return found


def _one(proposal: Proposal, document: Document, entry_points: Collection[str]) -> Judgement:
    section = f"http/{proposal.section}"
    field = field_of(ADMIN, section, proposal.name)
    stored = document.stored(field)
    if proposal.section not in SECTIONS or not _is_name(proposal.name):
        message = f"{proposal.name!r} can be no name: it is empty, too long, or holds @ or control characters"
        return Judgement("invalid", (Finding(message, error=True),))
    if not _expected(proposal, stored):
        return Judgement("conflict")
    if proposal.action == "delete":
        return Judgement("missing") if stored is None else Judgement("done", values={field: None})
    if proposal.action == "patch" and stored is None:
        return Judgement("missing")
    value, fault = _body(proposal)
    if fault is not None:
        return Judgement("unreadable", (fault,))
    value = _without_additions(value, proposal.section)
    hidden = tuple(_hidden(value, ""))
    if hidden:
        return Judgement("invalid", hidden)
    if proposal.action == "patch" and stored is not None:
        value = merge_patch(stored.value, value)
    decoded, findings = _judged_object(section, proposal.name, value, entry_points)
    if any(finding.error for finding in findings):
        return Judgement("invalid", findings)
    if stored is not None and stored.value == value:
        return Judgement("unchanged", findings, decoded=(decoded,))
    return Judgement("done", findings, {field: value}, (decoded,), created=stored is None)


def _replace(proposal: Proposal, document: Document, entry_points: Collection[str]) -> Judgement:
    if proposal.match is not None and document.version not in proposal.match:
        return Judgement("conflict")
    tree, fault = _body(proposal)
    if fault is not None:
        return Judgement("unreadable", (fault,))
    hidden = tuple(_hidden(tree, ""))
    if hidden:
        return Judgement("invalid", hidden)
    decoded = decode_rest(tree)
    findings = (
        *(located(item, "", strict=False) for item in decoded.diagnostics),
        *_unknown_entry_points(decoded.routers, entry_points, whole=True),
    )
    if any(finding.error for finding in findings):
        return Judgement("invalid", findings)
    given = cut(REST, tree)
    values = {field: value for field, value in given.items() if _value(document, field) != value}
    for field in document.objects:
        if parts_of(field)[0] == REST and field not in given:
            values[field] = None
    if not values:
        return Judgement("unchanged", findings, decoded=(decoded,))
    return Judgement("done", findings, values, (decoded,))


def _rollback(
    proposal: Proposal, document: Document, history: Sequence[Entry], entry_points: Collection[str]
) -> Judgement:
    if proposal.match is not None and document.version not in proposal.match:
        return Judgement("conflict")
    try:
        values = rewound(document, history, proposal.version)
    except RewindError as error:
        return Judgement(error.outcome, (Finding(str(error), error=True),))
    if not values:
        return Judgement("unchanged")
    decoded: list[Decoded] = []
    findings: list[Finding] = []
    for field, value in values.items():
        provider, section, name = parts_of(field)
        if provider == ADMIN and value is not None:
            part, found = _judged_object(section, name, value, entry_points)
            decoded.append(part)
            findings += (msgspec.structs.replace(item, path=f"{field}: {item.path}") for item in found)
    if any(parts_of(field)[0] == REST for field in values):
        part = decode_rest(_rest_after(document, values))
        decoded.append(part)
        findings += (located(item, "", strict=False) for item in part.diagnostics)
    if any(finding.error for finding in findings):
        return Judgement("invalid", tuple(findings))
    return Judgement("done", tuple(findings), values, tuple(decoded))


def _judged_object(
    section: str, name: str, value: Any, entry_points: Collection[str]
) -> tuple[Decoded, tuple[Finding, ...]]:
    decoded = decode_object(section, name, value)
    above = f"{section.replace('/', '.')}.{name}"
    findings = (
        *(located(item, above, strict=True) for item in decoded.diagnostics),
        *_unknown_entry_points(decoded.routers, entry_points, whole=False),
    )
    return decoded, findings


def _unknown_entry_points(
    routers: Collection[Router], entry_points: Collection[str], *, whole: bool
) -> Iterator[Finding]:
    for router in routers:
        for name in router.entry_points:
            if name not in entry_points:
                path = f"{router.name.partition('@')[0]}.entryPoints" if whole else "entryPoints"
                hint = f"the entry points are {', '.join(sorted(entry_points)) or 'none'}"
                yield Finding(f"entry point {name!r} does not exist", path, hint, error=True)


def _rest_after(document: Document, values: Mapping[str, Any]) -> dict[str, Any]:
    objects = dict(document.objects)
    for field, value in values.items():
        if value is None:
            objects.pop(field, None)
        else:
            objects[field] = msgspec.json.encode(Stored(0, value))
    return tree_of(Document(document.version, objects), REST)


def _decoded_before(judgement: Judgement, before: Document) -> Iterator[Decoded]:
    if any(parts_of(field)[0] == REST for field in judgement.values):
        yield decode_rest(tree_of(before, REST))
    for field in judgement.values:
        provider, section, name = parts_of(field)
        stored = before.stored(field)
        if provider == ADMIN and stored is not None:
            yield decode_object(section, name, stored.value)


def _published(parts: Iterator[Decoded] | Collection[Decoded]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {kind: {} for kind in SECTIONS}
    for part in parts:
        objects: tuple[tuple[str, Collection[Router | Service | Middleware]], ...] = (
            ("routers", part.routers),
            ("services", part.services),
            ("middlewares", part.middlewares),
        )
        for kind, items in objects:
            found[kind].update((item.name, digest(item)) for item in items)
    return found


def _expected(proposal: Proposal, stored: Stored | None) -> bool:
    """Whether the object is what the proposal was made for."""
    if proposal.absent and stored is not None:
        return False
    if proposal.present and stored is None:
        return False
    return proposal.match is None or (stored is not None and stored.version in proposal.match)


def _body(proposal: Proposal) -> tuple[Any, Finding | None]:
    """The JSON object that was sent, in plain values; or why it is none."""
    try:
        value = plain(msgspec.json.decode(proposal.body))
    except (msgspec.DecodeError, TooLargeError, RecursionError) as error:
        return None, Finding(f"the body is not JSON that can be used: {error}", error=True)
    if not isinstance(value, dict):
        return None, Finding("the body is not a JSON object", error=True)
    return value, None


def _without_additions(value: Mapping[str, Any], section: str) -> dict[str, Any]:
    added = SHOWN_ONLY | _SHOWN_OF.get(section, frozenset())
    return {name: item for name, item in value.items() if name not in added}


def _hidden(value: Any, path: str) -> Iterator[Finding]:
    """Where a secret is not sent back but what was shown in its place."""
    if value == HIDDEN:
        yield Finding(
            f"{path}: {HIDDEN} is shown for a secret, and is none", path, "send it anew", error=True
        )
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _hidden(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _hidden(item, f"{path}[{number}]")


def _value(document: Document, field: str) -> Any:
    stored = document.stored(field)
    return None if stored is None else stored.value


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and "@" not in name and name.isprintable()
