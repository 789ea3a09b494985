"""Turns error responses and errors of the HTTP library into KubernetesErrors with a reason and a hint."""

from __future__ import annotations

import ssl

import msgspec

from discovery.connections.errors import causes
from discovery.kubernetes.errors import (
    BadResponseError,
    GoneError,
    KubernetesError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from discovery.kubernetes.selection import Selection

_MAX_TEXT = 300


def status_error(
    status: int, content: bytes, url: str, verb: str, selection: Selection, subresource: str = ""
) -> KubernetesError:
    """Return the error for a response with this status; `verb` and `selection` say what was asked for."""
    text = _message(content)
    resource = f"{selection.resource}{subresource}"
    if status == 410:
        return GoneError(f"the Kubernetes API at {url} no longer has this version of {resource}: {text}")
    if status == 404:
        return MissingError(f"the Kubernetes API at {url} has no {resource}", "install their definition")
    if status == 401:
        return RefusedError(
            f"the Kubernetes API at {url} refuses the token: {text}",
            "set a valid token, or none in the cluster",
        )
    if status == 403:
        where = f"namespace {selection.namespace}" if selection.namespace else "the whole cluster"
        return RefusedError(
            f"the Kubernetes API at {url} forbids to {verb} {resource}: {text}",
            f"grant the agent's account the verbs {_verbs(verb)} on {resource} in {where}",
        )
    if status == 429 or status >= 500:
        return UnreachableError(f"the Kubernetes API at {url} responds with {status}: {text}")
    return BadResponseError(
        f"the Kubernetes API at {url} responds to {verb} {resource} with {status}: {text}"
    )


def transport_error(error: BaseException, url: str) -> UnreachableError:
    """Return the error for a call that got no response."""
    text = " ".join(str(error).split())[:_MAX_TEXT] or type(error).__name__
    for cause in causes(error):
        if isinstance(cause, ssl.SSLError):
            return UnreachableError(
                f"no TLS with the Kubernetes API at {url}: {text}",
                "name its certificate authority in certAuthFilePath",
            )
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError(f"the Kubernetes API at {url} cannot be reached: connection refused")
        if isinstance(cause, TimeoutError):
            return UnreachableError(f"the Kubernetes API at {url} does not respond in time")
    return UnreachableError(f"the Kubernetes API at {url} cannot be reached: {text}")


def _verbs(verb: str) -> str:
    return "list and watch" if verb in ("list", "watch") else verb


def _message(content: bytes) -> str:
    """Return the message of a `Status` object, or the beginning of another text."""
    try:
        decoded = msgspec.json.decode(content)
        text = str(decoded["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        text = content.decode("utf-8", "replace")
    return " ".join(text.split())[:_MAX_TEXT]
