"""Turns failed calls to Redis into ProviderErrors with a reason and a hint."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from discovery.connections.errors import causes, one_line
from discovery.providers.errors import NotPermittedError, ProviderError

RIGHTS = "+scan +mget +psubscribe +ping +role '%R~PREFIX/*' '&__keyspace@DB__:PREFIX/*'"
"""The rights of a user of Redis that the provider needs."""

_REFUSED = (redis.AuthenticationError, redis.exceptions.NoPermissionError)
_FAULTS = (redis.RedisError, OSError, ValueError)


@contextmanager
def faults_of(address: object) -> Iterator[None]:
    """Raise ProviderError for a failed call to the server at this address."""
    try:
        yield
    except _FAULTS as error:
        raise _to_provider_error(error, address) from error


def _to_provider_error(error: BaseException, address: object) -> ProviderError:
    text = one_line(error)
    for cause in causes(error):
        if isinstance(cause, ssl.SSLError):
            return ProviderError(
                f"no TLS with Redis at {address}: {text}",
                "set providers.redis.tls.ca, and providers.redis.tls.cert if Redis asks for a certificate",
            )
        if isinstance(cause, ConnectionRefusedError):
            return ProviderError(f"Redis at {address} cannot be reached: connection refused", "start it")
        if isinstance(cause, (redis.TimeoutError, TimeoutError)):
            return ProviderError(f"Redis at {address} does not respond in time")
        if isinstance(cause, redis.exceptions.NoPermissionError):
            hint = f"grant the user its rights: ACL SETUSER NAME {RIGHTS}"
            return NotPermittedError(f"Redis at {address} refuses: {text}", hint)
    if isinstance(error, _REFUSED) or text.startswith(("NOAUTH", "WRONGPASS")):
        hint = "check providers.redis.username and providers.redis.password"
        return NotPermittedError(f"Redis at {address} refuses: {text}", hint)
    return ProviderError(f"Redis at {address} cannot be used: {text}")
