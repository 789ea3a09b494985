"""Proposals of changes and their results.

A proposal waits in a list, and exactly one agent takes it. The agent writes the result to a list for this
proposal alone, which expires if the client no longer waits for it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.history import Author
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

PROPOSAL_TTL = 30
"""Seconds after the last proposal at which the proposals that no agent took expire."""

RESULT_TTL = 60
"""Seconds until a result expires."""

Action = Literal["put", "patch", "delete", "replace", "rollback"]

Outcome = Literal["done", "unchanged", "unreadable", "invalid", "missing", "conflict", "impossible"]


class Proposal(Struct, frozen=True, omit_defaults=True):
    """A proposed change.

    `put`, `patch` and `delete` change the object `name` in the `section` (`routers`, `services`,
    `middlewares`, `tcp/routers` and so on) of the provider `admin`; `replace` changes all objects of the
    provider `rest`; `rollback` restores `version`. `body` is JSON as the client sent it. Preconditions:
    `match` lists the allowed versions of the object (of the document for `replace` and `rollback`);
    `must_exist` and `must_be_absent` require that the object does or does not exist. With `dry_run` the
    proposal is validated and not committed.
    """

    id: str
    action: Action
    section: str = ""
    name: str = ""
    body: str = ""
    version: int = 0
    match: tuple[int, ...] | None = None
    must_exist: bool = False
    must_be_absent: bool = False
    dry_run: bool = False
    by: Author = Author()

    @property
    def what(self) -> str:
        """The change in words, for the history."""
        if self.action == "replace":
            return "PUT providers/rest"
        if self.action == "rollback":
            return f"rollback to {self.version}"
        return f"{self.action.upper()} {self.section}/{self.name}"


class FieldDiagnostic(Struct, frozen=True, omit_defaults=True):
    """A diagnostic about a proposal's body; `path` names the field. An `error` prevents the change."""

    message: str
    path: str = ""
    hint: str = ""
    error: bool = False


class ProposalResult(Struct, frozen=True, omit_defaults=True):
    """The result of a proposal.

    `version` and `object_version` are those of the document and of the object after it. `objects` has the
    published objects that it changes: section (`routers`, `tcp_routers`) → qualified name → digest, or None
    for a removed object.
    """

    id: str
    outcome: Outcome
    version: int = 0
    object_version: int = 0
    created: bool = False
    diagnostics: tuple[FieldDiagnostic, ...] = ()
    objects: dict[str, dict[str, str | None]] = {}


_proposal_decoder = msgspec.json.Decoder(Proposal)
_result_decoder = msgspec.json.Decoder(ProposalResult)


def propose(client: redis.Redis, keys: Keys, proposal: Proposal) -> bytes:
    """Add a proposal to the list of the agents; return its encoded form for `withdraw`.

    Raises redis.RedisError.
    """
    encoded = msgspec.json.encode(proposal)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(keys.admin_proposals, encoded)
    pipeline.expire(keys.admin_proposals, PROPOSAL_TTL)
    pipeline.execute()
    return encoded


def withdraw(client: redis.Redis, keys: Keys, encoded: bytes) -> bool:
    """Remove a proposal; return False if an agent has already taken it. Raises redis.RedisError."""
    removed: Any = client.lrem(keys.admin_proposals, 1, encoded)  # type: ignore[arg-type]
    return bool(removed)


def await_result(client: redis.Redis, keys: Keys, identity: str, seconds: float) -> ProposalResult | None:
    """Wait for a proposal's result, `seconds` at most; return None if none arrived.

    Raises redis.RedisError, and msgspec.MsgspecError if the result is invalid.
    """
    found: Any = client.blpop([keys.admin_result(identity)], timeout=seconds)
    return None if found is None else decode_json(_result_decoder, found[1])


def take_proposal(client: redis.Redis, keys: Keys, seconds: float) -> Proposal | None:
    """Wait for a proposal, `seconds` at most, and take it; None if none arrived or it is invalid.

    Raises redis.RedisError.
    """
    found: Any = client.blpop([keys.admin_proposals], timeout=seconds)
    if found is None:
        return None
    try:
        return decode_json(_proposal_decoder, found[1])
    except msgspec.MsgspecError:
        return None


def publish_result(client: redis.Redis, keys: Keys, result: ProposalResult) -> None:
    """Write a result for the client that waits for it. Raises redis.RedisError."""
    key = keys.admin_result(result.id)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(key, msgspec.json.encode(result))
    pipeline.expire(key, RESULT_TTL)
    pipeline.execute()
