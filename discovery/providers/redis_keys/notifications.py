"""Keyspace notifications of Redis, which tell which keys have changed; servers have them off by default."""

from __future__ import annotations

import logging

import redis

from rondpoint.diagnostics import PROVIDER, Diagnostic, Severity

logger = logging.getLogger(__name__)

_OPTION = "notify-keyspace-events"
_CLASSES = "g$xe"
"""Commands for all types, commands for texts, expired and evicted keys."""

_NEEDED = f"K{_CLASSES}"
_ALL_CLASSES = "A"


def switch_on(client: redis.Redis, address: str) -> tuple[Diagnostic, ...]:
    """Switch the notifications on if they are off, as Traefik does; the server's other flags stay.

    Return a diagnostic if that is refused. Raises redis.RedisError.
    """
    try:
        flags = str(client.config_get(_OPTION).get(_OPTION, ""))
        missing = _missing(flags)
        if missing:
            client.config_set(_OPTION, flags + missing)
            logger.info("provider redis: set %s of Redis at %s to %s", _OPTION, address, flags + missing)
    except redis.ResponseError as error:
        return (_refused(address, str(error)),)
    return ()


def channel(database: int, prefix: str) -> str:
    """Return the pattern of the channels for all keys that start with `prefix`."""
    return f"{_channel_prefix(database)}{escape(prefix)}*"


def key_of(received: bytes, database: int) -> bytes:
    """Return the key whose change was reported on a channel."""
    return received.removeprefix(_channel_prefix(database).encode())


def escape(text: str) -> str:
    """Escape the characters that have a meaning in a pattern."""
    return "".join(f"\\{each}" if each in "*?[]^\\" else each for each in text)


def _channel_prefix(database: int) -> str:
    return f"__keyspace@{database}__:"


def _missing(flags: str) -> str:
    needed = "K" if _ALL_CLASSES in flags else _NEEDED
    return "".join(each for each in needed if each not in flags)


def _refused(address: str, reason: str) -> Diagnostic:
    return Diagnostic(
        Severity.WARNING,
        "redis",
        f"{PROVIDER}redis",
        f"Redis at {address} may report no changes of keys, so they are read every few seconds: {reason}",
        f"set {_OPTION} to {_NEEDED} in its configuration, and grant the user +config|get",
    )
