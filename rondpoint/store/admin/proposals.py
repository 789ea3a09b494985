"""Changes that are asked for, and what an agent says of them.

A proposal waits in a list, and exactly one agent takes it. Its verdict goes to a list of its own, which
goes by itself if nobody waits for it any more.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.history import Author
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys

PROPOSAL_TTL = 30
"""Seconds after the last proposal at which those that nobody took go."""

RESULT_TTL = 60
"""Seconds in which a verdict can be fetched."""

Action = Literal["put", "patch", "delete", "replace", "rollback"]

Outcome = Literal["done", "unchanged", "unreadable", "invalid", "missing", "conflict", "impossible"]


class Proposal(Struct, frozen=True, omit_defaults=True):
    """A change that is asked for.

    `put`, `patch` and `delete` are about the object `name` of the `section` (`routers`, `services`,
    `middlewares`) of the provider `admin`; `replace` about all that the provider `rest` defines; `rollback`
    goes back to `version`. `body` is JSON as it was sent. `match`: only if the object's version (for
    `replace` and `rollback` that of all) is one of these; `present`, `absent`: only if the object is, or is
    not, there. With `dry` it is judged, and nothing done.
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
        """In words, for the history."""
        if self.action == "replace":
            return "PUT providers/rest"
        if self.action == "rollback":
            return f"rollback to {self.version}"
        return f"{self.action.upper()} {self.section}/{self.name}"


class FieldDiagnostic(Struct, frozen=True, omit_defaults=True):
    """Something about the body of a proposal; `path` names the field. An `error` is why it was not done."""

    message: str
    path: str = ""
    hint: str = ""
    error: bool = False


class ProposalResult(Struct, frozen=True, omit_defaults=True):
    """What became of a proposal.

    `version` is that of all after it, `object_version` that of the object it was about. `objects` has what
    it changes in what is published, by kind (`routers`) and qualified name: a digest, or None for what is
    gone.
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
    """Put a proposal where agents look; what `withdraw` takes. Raises redis.RedisError."""
    encoded = msgspec.json.encode(proposal)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(keys.admin_proposals, encoded)
    pipeline.expire(keys.admin_proposals, PROPOSAL_TTL)
    pipeline.execute()
    return encoded


def withdraw(client: redis.Redis, keys: Keys, encoded: bytes) -> bool:
    """Whether it was still there, so that nothing will come of it. Raises redis.RedisError."""
    removed: Any = client.lrem(keys.admin_proposals, 1, encoded)  # type: ignore[arg-type]
    return bool(removed)


def await_result(client: redis.Redis, keys: Keys, identity: str, seconds: float) -> ProposalResult | None:
    """None when none came in time. Raises redis.RedisError, and msgspec.MsgspecError for what is none."""
    found: Any = client.blpop([keys.admin_verdict(identity)], timeout=seconds)
    return None if found is None else decoded(_result_decoder, found[1])


def take_proposal(client: redis.Redis, keys: Keys, seconds: float) -> Proposal | None:
    """The next one; None when none came in time, or what came is none. Raises redis.RedisError."""
    found: Any = client.blpop([keys.admin_proposals], timeout=seconds)
    if found is None:
        return None
    try:
        return decoded(_proposal_decoder, found[1])
    except msgspec.MsgspecError:
        return None


def publish_result(client: redis.Redis, keys: Keys, result: ProposalResult) -> None:
    """Tell whoever waits for it. Raises redis.RedisError."""
    key = keys.admin_verdict(result.id)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(key, msgspec.json.encode(result))
    pipeline.expire(key, RESULT_TTL)
    pipeline.execute()
