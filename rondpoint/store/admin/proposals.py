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

WAITING = 30
"""Seconds after the last proposal at which those that nobody took go."""

ANSWERED = 60
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
    present: bool = False
    absent: bool = False
    dry: bool = False
    by: Author = Author()

    @property
    def what(self) -> str:
        """In words, for the history."""
        if self.action == "replace":
            return "PUT providers/rest"
        if self.action == "rollback":
            return f"rollback to {self.version}"
        return f"{self.action.upper()} {self.section}/{self.name}"


class Finding(Struct, frozen=True, omit_defaults=True):
    """Something about the body of a proposal; `path` names the field. An `error` is why it was not done."""

    message: str
    path: str = ""
    hint: str = ""
    error: bool = False


class Verdict(Struct, frozen=True, omit_defaults=True):
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
    findings: tuple[Finding, ...] = ()
    objects: dict[str, dict[str, str | None]] = {}


_proposal = msgspec.json.Decoder(Proposal)
_verdict = msgspec.json.Decoder(Verdict)


def propose(client: redis.Redis, keys: Keys, proposal: Proposal) -> bytes:
    """Put a proposal where agents look; what `withdraw` takes. Raises redis.RedisError."""
    encoded = msgspec.json.encode(proposal)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(keys.admin_proposals, encoded)
    pipeline.expire(keys.admin_proposals, WAITING)
    pipeline.execute()
    return encoded


def withdraw(client: redis.Redis, keys: Keys, encoded: bytes) -> bool:
    """Whether it was still there, so that nothing will come of it. Raises redis.RedisError."""
    removed: Any = client.lrem(keys.admin_proposals, 1, encoded)  # type: ignore[arg-type]
    return bool(removed)


def await_verdict(client: redis.Redis, keys: Keys, identity: str, seconds: float) -> Verdict | None:
    """None when none came in time. Raises redis.RedisError, and msgspec.MsgspecError for what is none."""
    found: Any = client.blpop([keys.admin_verdict(identity)], timeout=seconds)
    return None if found is None else decoded(_verdict, found[1])


def take(client: redis.Redis, keys: Keys, seconds: float) -> Proposal | None:
    """The next one; None when none came in time, or what came is none. Raises redis.RedisError."""
    found: Any = client.blpop([keys.admin_proposals], timeout=seconds)
    if found is None:
        return None
    try:
        return decoded(_proposal, found[1])
    except msgspec.MsgspecError:
        return None


def answer(client: redis.Redis, keys: Keys, verdict: Verdict) -> None:
    """Tell whoever waits for it. Raises redis.RedisError."""
    key = keys.admin_verdict(verdict.id)
    pipeline = client.pipeline(transaction=True)
    pipeline.rpush(key, msgspec.json.encode(verdict))
    pipeline.expire(key, ANSWERED)
    pipeline.execute()
