"""Having the agent judge a change that the API was asked for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from time import monotonic

import gevent
import msgspec
import redis
from flask import g, request

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Problem, Refusal
from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.model import Middleware, Router, Service
from rondpoint.store.admin.digests import digest
from rondpoint.store.admin.history import Author
from rondpoint.store.admin.proposals import (
    Finding,
    Proposal,
    Verdict,
    await_verdict,
    propose,
    withdraw,
)

PATIENCE = 5.0
"""Seconds in which an agent has to take a proposal."""

LONGER = 25.0
"""Seconds more for its verdict, once it has."""

SLICE = 2.0
"""Seconds of one wait; less than what the client takes for an answer at all."""

LOOK = 0.02
"""Seconds between two looks at whether a change is in force."""

MOST = 60.0

_STATUSES = {"unreadable": 400, "invalid": 422, "missing": 404, "conflict": 412, "impossible": 409}
_MESSAGES = {
    "unreadable": "the body cannot be read",
    "invalid": "nothing was changed: there are errors in what was sent",
    "missing": "there is no such object",
    "conflict": "it was changed meanwhile, or is not what the request demands",
    "impossible": "that cannot be done",
}


def author() -> Author:
    """Who asks."""
    return Author(g.get("user", ""), request.remote_addr or "")


def identity() -> str:
    """A name for a proposal."""
    return uuid.uuid4().hex


def submit(proposal: Proposal) -> Verdict:
    """What the agent says of a proposal that can be done. Raises Refusal for others."""
    try:
        verdict = _judged(proposal)
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not answer: {error}") from None
    status = _STATUSES.get(verdict.outcome)
    if status is None:
        return verdict
    errors = [problem(finding) for finding in verdict.findings if finding.error]
    alone = errors[0].message if len(errors) == 1 and not errors[0].path else ""
    raise Refusal(status, alone or _MESSAGES[verdict.outcome], errors)


def problem(finding: Finding) -> Problem:
    return Problem(finding.message, finding.path, finding.hint)


def _judged(proposal: Proposal) -> Verdict:
    parts = runtime()
    encoded = propose(parts.client, parts.keys, proposal)
    end, taken = monotonic() + PATIENCE, False
    while True:
        try:
            verdict = await_verdict(parts.client, parts.keys, proposal.id, SLICE)
        except msgspec.MsgspecError as error:
            raise Refusal(502, f"the agent's answer cannot be read: {error}") from None
        if verdict is not None:
            return verdict
        if monotonic() < end:
            continue
        if taken:
            raise Refusal(504, "the agent did not answer: the change may have been made, or not")
        if withdraw(parts.client, parts.keys, encoded):
            raise Refusal(503, "no agent takes changes: is `rondpoint agent` running?")
        end, taken = end + LONGER, True


def wait_in_force(verdict: Verdict, seconds: float) -> bool:
    """Whether this worker serves what a verdict tells of, within so many seconds."""
    applier, end = runtime().applier, monotonic() + min(seconds, MOST)
    while True:
        revision = applier.revision
        if _in_force(verdict):
            return True
        while applier.revision == revision:
            if monotonic() >= end:
                return False
            gevent.sleep(LOOK)


def _in_force(verdict: Verdict) -> bool:
    now, yield_if_due = runtime().applier.in_force(), CooperativeYield()
    known: dict[str, Mapping[str, Router | Service | Middleware]] = {
        "routers": now.routers,
        "services": now.services,
        "middlewares": now.middlewares,
    }
    for kind, objects in verdict.objects.items():
        present = known.get(kind, {})
        for name, expected in objects.items():
            yield_if_due()
            item = present.get(name)
            if (None if item is None else digest(item)) != expected:
                return False
    return True
