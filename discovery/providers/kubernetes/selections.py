"""The selections that all providers for Kubernetes follow beside the objects that define routes."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.kubernetes.resources import ENDPOINT_SLICES, NODES, SECRETS, SERVICES
from discovery.kubernetes.selection import Selection

_NOT_OF_HELM = "owner!=helm"
"""Helm keeps its releases in secrets, which are large and say nothing about routes."""


def backend_selections(namespace: str) -> Iterator[Selection]:
    """Yield the selections for services, their endpoints, and secrets; an empty namespace stands for all."""
    yield Selection(SERVICES, namespace)
    yield Selection(ENDPOINT_SLICES, namespace)
    yield Selection(SECRETS, namespace, _NOT_OF_HELM)


def node_selection() -> Selection:
    """Return the selection for nodes, which only services with node ports need."""
    return Selection(NODES, optional=True)
