"""`/api/history`: changes made through the API, differences between versions, and rollback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import redis
from flask import Blueprint, Response, request

from proxy.admin.change_requests import author, new_proposal_id, submit
from proxy.admin.current_worker import runtime
from proxy.admin.endpoints.changes import change_response, read_wait
from proxy.admin.json_responses import Refusal, json_response, list_response
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.preconditions import conditions, tag
from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.store.admin.document import Document, read_document
from rondpoint.store.admin.history import HistoryEntry, read_history
from rondpoint.store.admin.proposals import Proposal
from rondpoint.store.admin.redaction import redacted_changes
from rondpoint.store.admin.rollback import RollbackError, rollback_values

history = Blueprint("history", __name__, url_prefix="/api/history")

MAX_DIFFERENCES = 1000
"""Differences in one response."""

VERSION_LIMIT = 2**53
"""Versions are smaller than this."""


@history.get("")
def list_history() -> Response:
    """Return a page of the changes, newest first; the `ETag` is the current version."""
    document, entries = _read()
    try:
        page = page_of(entries, request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    headers = {NEXT: str(page.next), "ETag": tag(document.version)}
    return list_response([_entry(item) for item in page.items], headers)


@history.get("/<int:version>")
def show_change(version: int) -> Response:
    """Return one change with its differences."""
    _, entries = _read()
    entry = next((entry for entry in entries if entry.version == version), None)
    if entry is None:
        raise Refusal(404, f"version {version} is not in the history")
    given = entry.changes or {}
    pairs = {field: (difference.before, difference.after) for field, difference in given.items()}
    return json_response({**_entry(entry), "differences": _differences(pairs)})


@history.get("/<int:version>/diff")
def show_diff(version: int) -> Response:
    """Return the differences between `version` and the version `to`, by default the current one."""
    document, entries = _read()
    other = request.args.get("to", "")
    if other and not (other.isascii() and other.isdigit() and int(other) < VERSION_LIMIT):
        raise Refusal(400, f"to={other} is not a version")
    until = int(other) if other else document.version
    before, after = (_values(document, entries, number) for number in (version, until))
    pairs = {
        field: (_value_of(before, document, field), _value_of(after, document, field))
        for field in {**before, **after}
    }
    return json_response({"from": version, "to": until, "differences": _differences(pairs)})


@history.post("/<int:version>/rollback")
def roll_back(version: int) -> Response:
    """Restore the state of a version; this is a new change."""
    preconditions, wait = conditions(request.headers), read_wait()
    if version >= VERSION_LIMIT:
        raise Refusal(404, f"version {version} does not exist")
    proposal = Proposal(
        new_proposal_id(), "rollback", version=version, match=preconditions.match, by=author()
    )
    result = submit(proposal)
    return change_response(result, wait, {"restored": version}, {"ETag": tag(result.version)})


def _read() -> tuple[Document, list[HistoryEntry]]:
    worker = runtime()
    try:
        return read_document(worker.client, worker.keys), read_history(
            worker.client, worker.keys, CooperativeYield()
        )
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not respond: {error}") from None


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "at": entry.at,
        "what": entry.what,
        "by": {"user": entry.by.user, "address": entry.by.address},
        "objects": sorted(entry.changes or ()),
        "kept": entry.changes is not None,
    }


def _values(document: Document, entries: list[HistoryEntry], version: int) -> Mapping[str, Any]:
    try:
        return rollback_values(document, entries, version)
    except RollbackError as error:
        raise Refusal(404 if error.outcome == "missing" else 409, str(error)) from None


def _value_of(values: Mapping[str, Any], document: Document, field: str) -> Any:
    if field in values:
        return values[field]
    stored = document.stored(field)
    return None if stored is None else stored.value


def _differences(pairs: Mapping[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    return list(_limited(pairs))


def _limited(pairs: Mapping[str, tuple[Any, Any]]) -> Iterator[dict[str, Any]]:
    yield_if_due, left = CooperativeYield(), MAX_DIFFERENCES
    for field in sorted(pairs):
        yield_if_due()
        for change in redacted_changes(field, *pairs[field]):
            if not left:
                return
            left -= 1
            yield {"object": field, "path": change.path, "before": change.before, "after": change.after}
