"""The readers and writers of each Redis key, and the least ACL rights that they need."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from rondpoint.store.admin.proposals import PROPOSAL_TTL, RESULT_TTL
from rondpoint.store.keys import Keys, PublishedKeys
from rondpoint.store.lease import TERM
from rondpoint.store.metrics import EXPIRY
from rondpoint.store.unused_tickets import RETENTION

Party = Literal["agent", "proxy"]
Parties = tuple[Party, ...]

AGENT: Parties = ("agent",)
PROXY: Parties = ("proxy",)
BOTH: Parties = ("agent", "proxy")


class KeyUse(Struct, frozen=True):
    """The use of one key or channel; `name` is the attribute of Keys that makes it.

    If that attribute is a method, `argument` is the placeholder for its argument. `consumers` remove the
    entries that they read, so they need the right to write too. `expires` says when the key expires.
    """

    name: str
    writers: Parties
    readers: Parties
    consumers: Parties = ()
    argument: str = ""
    expires: str = ""

    def key(self, keys: PublishedKeys, argument: str = "") -> str:
        """Return the full key, with `argument` or else the placeholder if the attribute is a method."""
        found = getattr(keys, self.name)
        name: str = found(argument or self.argument) if self.argument else found
        return name

    @property
    def kind(self) -> str:
        """The type of the key: `string`, `hash`, `set`, `list` or `channel`."""
        return self._description[0].lower()

    @property
    def contents(self) -> str:
        """What the key holds, from the docstring of the attribute."""
        return self._description[2].removesuffix(".")

    @property
    def _description(self) -> tuple[str, str, str]:
        member = getattr(Keys, self.name)
        return " ".join((member.__doc__ or "").split()).partition(": ")


_AFTER_RENEWAL = f"{TERM:g} s after its last renewal"
_AFTER_LAST_WRITE = f"{EXPIRY} s after the worker or proxy last renewed it"

KEY_USES = (
    KeyUse("revision", AGENT, BOTH),
    KeyUse("routers", AGENT, BOTH),
    KeyUse("services", AGENT, BOTH),
    KeyUse("middlewares", AGENT, BOTH),
    KeyUse("tls_options", AGENT, BOTH),
    KeyUse("certificates", AGENT, BOTH),
    KeyUse("tcp_routers", AGENT, BOTH),
    KeyUse("tcp_services", AGENT, BOTH),
    KeyUse("tcp_middlewares", AGENT, BOTH),
    KeyUse("udp_routers", AGENT, BOTH),
    KeyUse("udp_services", AGENT, BOTH),
    KeyUse("diagnostics", AGENT, BOTH),
    KeyUse("leader", AGENT, AGENT, expires=_AFTER_RENEWAL),
    KeyUse("fence", AGENT, AGENT),
    KeyUse("agents", AGENT, BOTH),
    KeyUse("contributions", AGENT, AGENT),
    KeyUse(
        "tickets",
        BOTH,
        BOTH,
        expires=f"a field about {RETENTION / 60:g} minutes after its service, by the agent",
    ),
    KeyUse("rate_limit", PROXY, PROXY, argument="BUCKET", expires="when the bucket is full"),
    KeyUse("tls_tickets", PROXY, PROXY, argument="PERIOD", expires="24 hours after it was written"),
    KeyUse(
        "acme_challenge",
        AGENT,
        PROXY,
        argument="CHALLENGE",
        expires="when the authority has decided, or an hour after it was written",
    ),
    KeyUse("acme_accounts", AGENT, AGENT),
    KeyUse("acme_certificates", AGENT, AGENT),
    KeyUse("acme_orders", AGENT, AGENT),
    KeyUse("acme_states", AGENT, BOTH),
    KeyUse("acme_outcomes", AGENT, BOTH),
    KeyUse("in_flight_leases", PROXY, PROXY, expires="a minute after the last call of any worker"),
    KeyUse(
        "in_flight_slots", PROXY, PROXY, argument="POOL", expires="a minute after the last call for the pool"
    ),
    KeyUse("workers", PROXY, BOTH),
    KeyUse(
        "metrics",
        PROXY,
        PROXY,
        argument="WORKER",
        expires=_AFTER_LAST_WRITE,
    ),
    KeyUse("server_metrics", PROXY, PROXY, argument="WORKER", expires=_AFTER_LAST_WRITE),
    KeyUse("connection_metrics", PROXY, PROXY, argument="WORKER", expires=_AFTER_LAST_WRITE),
    KeyUse("ejected", PROXY, PROXY),
    KeyUse("admin", AGENT, BOTH),
    KeyUse("admin_history", AGENT, BOTH),
    KeyUse(
        "admin_proposals", PROXY, AGENT, consumers=AGENT, expires=f"{PROPOSAL_TTL} s after the last proposal"
    ),
    KeyUse("admin_result", AGENT, PROXY, consumers=PROXY, argument="ID", expires=f"after {RESULT_TTL} s"),
    KeyUse("admin_changes", AGENT, AGENT),
    KeyUse("changes", AGENT, BOTH),
    KeyUse("ejections", PROXY, PROXY),
    KeyUse("wakeups", AGENT, AGENT),
)
"""All keys but those of contributions, which only agents read and write."""

PUBLISHED = tuple(name for name, member in vars(PublishedKeys).items() if isinstance(member, property))
"""The keys that a contribution and the whole configuration have in common."""

_COMMON_COMMANDS = (
    *("ping", "hello", "auth", "client|setname", "cluster|slots"),
    *("multi", "exec", "discard", "get", "hset", "hdel", "hget", "hgetall"),
    *("rpush", "blpop", "lrange", "expire", "time", "subscribe", "unsubscribe"),
    *("set", "evalsha", "script|load"),
)
_AGENT_COMMANDS = (
    *("del", "type", "exists", "incr", "pttl", "hlen", "hexists", "hscan", "sadd", "srem", "smembers"),
    *("lpush", "ltrim", "publish", "hincrby"),
)
_PROXY_COMMANDS = ("watch", "unwatch", "hmget", "hincrby", "lrem")
_NO_RIGHTS = "resetkeys resetchannels -@all"


def acl_rules(party: Party, keys: Keys) -> str:
    """Return the ACL rules that let an agent or a proxy do its work on these keys, and nothing else."""
    prefix = keys.revision.removesuffix("revision")
    if party == "agent":
        return f"{_NO_RIGHTS} ~{prefix}* &{prefix}* {_commands(_AGENT_COMMANDS)}"
    written = [use for use in KEY_USES if party in (*use.writers, *use.consumers)]
    written_keys = drop_covered_patterns(use.key(keys, "*") for use in written if use.kind != "channel")
    read = (use.key(keys, "*") for use in KEY_USES if use.kind != "channel" and party in use.readers)
    both = drop_covered_patterns(dict.fromkeys((*written_keys, *read)))
    stored = " ".join(f"~{key}" if key in written_keys else f"%R~{key}" for key in both)
    subscribed = " ".join(
        f"&{use.key(keys)}" for use in KEY_USES if use.kind == "channel" and party in use.readers
    )
    published = " ".join(f"&{use.key(keys)}" for use in written if use.kind == "channel")
    return (
        f"{_NO_RIGHTS} {stored} {subscribed} {_commands(_PROXY_COMMANDS)} "
        f"(-@all resetchannels {published} +publish)"
    )


def drop_covered_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that no other pattern among them covers."""
    every = tuple(patterns)
    return tuple(one for one in every if not any(one != other and fnmatchcase(one, other) for other in every))


def _commands(further: tuple[str, ...]) -> str:
    return " ".join(f"+{command}" for command in (*_COMMON_COMMANDS, *further))
