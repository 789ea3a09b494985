"""Turns errors of the client library into ConsulErrors with a reason and a hint."""

from __future__ import annotations

import consul
import requests
from msgspec import MsgspecError

from discovery.connections.errors import causes, one_line
from discovery.consul.endpoint import Endpoint
from discovery.consul.errors import (
    BadResponseError,
    ConsulError,
    NoLeaderError,
    RefusedError,
    UnreachableError,
)

_ACL_PHRASES = ("permission denied", "acl not found", "acl support disabled")
_LEADER_PHRASES = (
    "no cluster leader",
    "leadership",
    "failed to get conn",
    "not ready to serve consistent reads",
)


def to_consul_error(error: BaseException, endpoint: Endpoint, permission: str) -> ConsulError:
    """Return the ConsulError for `error` of a call to `endpoint`; `permission` is what the call needs."""
    text = one_line(error)
    lowered = text.casefold()
    if isinstance(error, consul.ConsulException):
        if isinstance(error, consul.ACLPermissionDenied) or any(phrase in lowered for phrase in _ACL_PHRASES):
            return _refused_error(text, endpoint, permission)
        if any(phrase in lowered for phrase in _LEADER_PHRASES):
            return NoLeaderError(
                f"the Consul servers behind {endpoint} have no leader: {text}",
                "Rondpoint tries again until they have one",
            )
        if "no path to datacenter" in lowered:
            return BadResponseError(
                f"Consul at {endpoint} knows no datacentre {endpoint.datacenter!r}: {text}",
                "set the name of one that `consul catalog datacenters` lists",
            )
        return BadResponseError(f"Consul at {endpoint} responds: {text}")
    for cause in causes(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return UnreachableError(
                f"no TLS with Consul at {endpoint}: {text}",
                "name its certificate authority in tls.ca or CONSUL_CACERT, or set the scheme that it uses",
            )
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError(
                f"Consul at {endpoint} cannot be reached: connection refused", "start its agent"
            )
        if isinstance(cause, (requests.Timeout, TimeoutError)):
            return UnreachableError(f"Consul at {endpoint} does not respond in time")
    if isinstance(error, (ValueError, KeyError, TypeError, MsgspecError)) and not isinstance(
        error, requests.RequestException
    ):
        return BadResponseError(
            f"the server at {endpoint} is not Consul's API: {text}", "is this the port of its HTTP API?"
        )
    return UnreachableError(f"Consul at {endpoint} cannot be reached: {text}")


def _refused_error(text: str, endpoint: Endpoint, permission: str) -> RefusedError:
    if "acl not found" in text.casefold():
        return RefusedError(
            f"Consul at {endpoint} does not know the token: {text}", "set a token that exists", permission
        )
    hint = f"grant the token {permission}" if endpoint.token else f"set a token that has {permission}"
    return RefusedError(f"Consul at {endpoint} refuses: {text}", hint, permission)
