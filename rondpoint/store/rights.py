"""Who writes and who reads each key of the store, and the least rights that come of it."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from rondpoint.store.admin.proposals import PROPOSAL_TTL, RESULT_TTL
from rondpoint.store.keys import Keys, PublishedKeys
from rondpoint.store.lease import TERM
from rondpoint.store.metrics import EXPIRY
from rondpoint.store.unused_tickets import KEPT

Party = Literal["agent", "proxy"]
Parties = tuple[Party, ...]

AGENT: Parties = ("agent",)
PROXY: Parties = ("proxy",)
BOTH: Parties = ("agent", "proxy")


class Use(Struct, frozen=True):
    """What is done with a key, or a channel, by the attribute `name` of Keys that makes it.

    `argument` stands for what that is called with, where it is a method. `takers` take entries out as they
    read them, so that they need the right to write as well. `expires` says when the key goes by itself.
    """

    name: str
    writers: Parties
    readers: Parties
    takers: Parties = ()
    argument: str = ""
    expires: str = ""

    def key(self, keys: PublishedKeys, argument: str = "") -> str:
        """Its full name, with `argument`, or else the table's own, as what a method is called with."""
        found = getattr(keys, self.name)
        name: str = found(argument or self.argument) if self.argument else found
        return name

    @property
    def kind(self) -> str:
        """`string`, `hash`, `set`, `list` or `channel`."""
        return self._told[0].lower()

    @property
    def contents(self) -> str:
        return self._told[2].removesuffix(".")

    @property
    def _told(self) -> tuple[str, str, str]:
        member = getattr(Keys, self.name)
        return " ".join((member.__doc__ or "").split()).partition(": ")


_RENEWED = f"{TERM:g} s after it was last renewed"
_SIGN = f"{EXPIRY} s after the worker's, or the proxy's, last sign"

USES = (
    Use("revision", AGENT, BOTH),
    Use("routers", AGENT, BOTH),
    Use("services", AGENT, BOTH),
    Use("middlewares", AGENT, BOTH),
    Use("diagnostics", AGENT, BOTH),
    Use("leader", AGENT, AGENT, expires=_RENEWED),
    Use("fence", AGENT, AGENT),
    Use("agents", AGENT, BOTH),
    Use("parts", AGENT, AGENT),
    Use("tickets", BOTH, BOTH, expires=f"a field some {KEPT / 60:g} minutes after its service, by the agent"),
    Use("workers", PROXY, PROXY),
    Use(
        "metrics",
        PROXY,
        PROXY,
        argument="WORKER",
        expires=_SIGN,
    ),
    Use("server_metrics", PROXY, PROXY, argument="WORKER", expires=_SIGN),
    Use("health", PROXY, PROXY),
    Use("admin", AGENT, BOTH),
    Use("admin_history", AGENT, BOTH),
    Use("admin_proposals", PROXY, AGENT, takers=AGENT, expires=f"{PROPOSAL_TTL} s after the last proposal"),
    Use("admin_verdict", AGENT, PROXY, takers=PROXY, argument="ID", expires=f"after {RESULT_TTL} s"),
    Use("admin_changes", AGENT, AGENT),
    Use("changes", AGENT, BOTH),
    Use("ejections", PROXY, PROXY),
    Use("bell", AGENT, AGENT),
)
"""All but the parts of agents, which are read and written by agents alone."""

PUBLISHED = tuple(name for name, member in vars(PublishedKeys).items() if isinstance(member, property))
"""What an agent's part has in common with the whole."""

_ALIKE = (
    *("ping", "hello", "auth", "client|setname", "cluster|slots"),
    *("multi", "exec", "discard", "get", "hset", "hdel", "hget", "hgetall"),
    *("rpush", "blpop", "lrange", "expire", "time", "subscribe", "unsubscribe"),
)
_AGENTS = (
    *("set", "del", "type", "exists", "incr", "pttl", "hlen", "hexists", "hscan", "sadd", "srem", "smembers"),
    *("lpush", "ltrim", "publish", "evalsha", "script|load"),
)
_PROXYS = ("watch", "unwatch", "hmget", "hincrby", "lrem")
_LEAST = "resetkeys resetchannels -@all"


def rules(party: Party, keys: Keys) -> str:
    """The rules of an ACL that let an agent, or a proxy, do its work on these keys, and nothing else."""
    prefix = keys.revision.removesuffix("revision")
    if party == "agent":
        return f"{_LEAST} ~{prefix}* &{prefix}* {_commands(_AGENTS)}"
    written = [use for use in USES if party in (*use.writers, *use.takers)]
    stored = (f"~{key}" for key in widest(use.key(keys, "*") for use in written if use.kind != "channel"))
    heard = (f"&{use.key(keys)}" for use in USES if use.kind == "channel" and party in use.readers)
    told = " ".join(f"&{use.key(keys)}" for use in written if use.kind == "channel")
    return (
        f"{_LEAST} %R~{prefix}* {' '.join(stored)} {' '.join(heard)} {_commands(_PROXYS)} "
        f"(-@all resetchannels {told} +publish)"
    )


def widest(patterns: Iterable[str]) -> tuple[str, ...]:
    """Those that no other one of them holds already."""
    every = tuple(patterns)
    return tuple(one for one in every if not any(one != other and fnmatchcase(one, other) for other in every))


def _commands(own: tuple[str, ...]) -> str:
    return " ".join(f"+{command}" for command in (*_ALIKE, *own))
