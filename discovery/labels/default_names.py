"""The names of the implicit objects of containers."""

from __future__ import annotations

from discovery.decoding.names import normalise
from discovery.labels.container import Container


def default_name(container: Container) -> str:
    """Return the name of a container's implicit router and service."""
    if container.service:
        return normalise(container.service)
    if container.compose_project and container.compose_service:
        return normalise(f"{container.compose_service}-{container.compose_project}")
    return normalise(container.name)
