"""Turns failed calls to etcd into ProviderErrors with a reason and a hint."""

from __future__ import annotations

import msgspec
import requests

from discovery.connections.errors import causes, one_line
from discovery.providers.errors import NotPermittedError, ProviderError
from discovery.providers.etcd.endpoint import Endpoint

_AUTHENTICATION = ("authentication failed", "invalid auth token")


class NoSuchRevisionError(ProviderError):
    """etcd has no such revision: it is in the future, or has been compacted."""


def to_provider_error(error: BaseException, endpoint: Endpoint) -> ProviderError:
    """Return the ProviderError for a call without a usable response."""
    text = one_line(error)
    for cause in causes(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return ProviderError(
                f"no TLS with etcd at {endpoint}: {text}",
                "set providers.etcd.tls.ca, and providers.etcd.tls.cert if etcd asks for a certificate",
            )
        if isinstance(cause, ConnectionRefusedError):
            return ProviderError(f"etcd at {endpoint} cannot be reached: connection refused", "start it")
        if isinstance(cause, (requests.Timeout, TimeoutError)):
            return ProviderError(f"etcd at {endpoint} does not respond in time")
    if isinstance(error, msgspec.MsgspecError):
        return ProviderError(
            f"the server at {endpoint} is not etcd's API v3: {text}", "is this the port for clients of etcd?"
        )
    return ProviderError(f"etcd at {endpoint} cannot be reached: {text}")


def refusal(reason: str, endpoint: Endpoint, prefix: str) -> ProviderError:
    """Return the ProviderError for an error that etcd reports."""
    message = f"etcd at {endpoint} responds: {one_line(reason)}"
    if "user name is empty" in reason:
        return NotPermittedError(message, "set providers.etcd.username and providers.etcd.password")
    if any(phrase in reason for phrase in _AUTHENTICATION):
        return NotPermittedError(message, "check providers.etcd.username and providers.etcd.password")
    if "permission denied" in reason:
        return NotPermittedError(
            message, f"grant it: etcdctl role grant-permission ROLE --prefix=true read {prefix}"
        )
    if "required revision" in reason:
        return NoSuchRevisionError(message)
    return ProviderError(message)
