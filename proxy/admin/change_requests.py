"""Sends proposed changes to the agent and waits for its results."""

from __future__ import annotations

import uuid
from time import monotonic

import gevent
import msgspec
import redis
from flask import g

from proxy.admin.client_address import client_address
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Problem, Refusal
from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.store.admin.digests import digest
from rondpoint.store.admin.history import Author
from rondpoint.store.admin.proposals import (
    FieldDiagnostic,
    Proposal,
    ProposalResult,
    await_result,
    propose,
    withdraw,
)
from rondpoint.store.sections import sections_of

TAKE_TIMEOUT = 5.0
"""Seconds within which an agent must take a proposal."""

RESULT_TIMEOUT = 25.0
"""Additional seconds for the result after an agent has taken the proposal."""

WAIT_SLICE = 2.0
"""Seconds of one blocking read; shorter than the Redis client's own timeout."""

CHECK_INTERVAL = 0.02
"""Seconds between two checks whether a change is in force."""

MAX_WAIT = 60.0
"""Seconds that a request may wait for its change to come into force."""

_STATUSES = {"unreadable": 400, "invalid": 422, "missing": 404, "conflict": 412, "impossible": 409}
_MESSAGES = {
    "unreadable": "the body cannot be read",
    "invalid": "nothing was changed: the request body has errors",
    "missing": "there is no such object",
    "conflict": "the precondition of the request failed: the object has another version or state",
    "impossible": "this change is not possible",
}


def author() -> Author:
    """Return the user and address of the current request."""
    return Author(g.get("user", ""), client_address())


def new_proposal_id() -> str:
    """Return a unique id for a proposal."""
    return uuid.uuid4().hex


def submit(proposal: Proposal) -> ProposalResult:
    """Send a proposal to the agent and return its result. Raises Refusal if the change was not made."""
    try:
        result = _await_result(proposal)
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not respond: {error}") from None
    status = _STATUSES.get(result.outcome)
    if status is None:
        return result
    errors = [to_problem(diagnostic) for diagnostic in result.diagnostics if diagnostic.error]
    alone = errors[0].message if len(errors) == 1 and not errors[0].path else ""
    raise Refusal(status, alone or _MESSAGES[result.outcome], errors)


def to_problem(diagnostic: FieldDiagnostic) -> Problem:
    """Convert a diagnostic of the agent to the API's form."""
    return Problem(diagnostic.message, diagnostic.path, diagnostic.hint)


def _await_result(proposal: Proposal) -> ProposalResult:
    worker = runtime()
    encoded = propose(worker.client, worker.keys, proposal)
    end, taken = monotonic() + TAKE_TIMEOUT, False
    while True:
        try:
            result = await_result(worker.client, worker.keys, proposal.id, WAIT_SLICE)
        except msgspec.MsgspecError as error:
            raise Refusal(502, f"the agent's result cannot be read: {error}") from None
        if result is not None:
            return result
        if monotonic() < end:
            continue
        if taken:
            raise Refusal(504, "the agent did not respond: the change may or may not have been made")
        if withdraw(worker.client, worker.keys, encoded):
            raise Refusal(503, "no agent accepts changes: is `rondpoint agent` running?")
        end, taken = end + RESULT_TIMEOUT, True


def wait_in_force(result: ProposalResult, seconds: float) -> bool:
    """Wait up to `seconds` until this worker serves the changed objects; return whether it does."""
    applier, end = runtime().applier, monotonic() + min(seconds, MAX_WAIT)
    while True:
        revision = applier.revision
        if _in_force(result):
            return True
        while applier.revision == revision:
            if monotonic() >= end:
                return False
            gevent.sleep(CHECK_INTERVAL)


def _in_force(result: ProposalResult) -> bool:
    now, yield_if_due = runtime().applier.in_force(), CooperativeYield()
    known = sections_of(now)
    for kind, objects in result.objects.items():
        current = known.get(kind, {})
        for name, expected in objects.items():
            yield_if_due()
            item = current.get(name)
            if (None if item is None else digest(item)) != expected:
                return False
    return True
