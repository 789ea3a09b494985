"""Exceptions of the Kubernetes client."""

from __future__ import annotations

from discovery.connections.errors import HintedError


class KubernetesError(HintedError):
    """A failed call to the Kubernetes API."""


class UnreachableError(KubernetesError):
    """The API server does not respond: wrong address, not started, network, TLS, overload, or too slow."""


class RefusedError(KubernetesError):
    """The API server refuses the token (401), or the token's account lacks a right (403)."""


class MissingError(KubernetesError):
    """The API server does not know the resource (404): its definition is not installed."""


class GoneError(KubernetesError):
    """The resource version or the continuation of a list is too old (410); it has to be listed again."""


class BadResponseError(KubernetesError):
    """The response is an error, or not a response of the Kubernetes API."""


class ClosedError(KubernetesError):
    """The client was closed, possibly by another thread while a call waited."""
