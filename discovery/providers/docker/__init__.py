"""Routes from containers: their labels, followed through the Docker engine's events."""

from discovery.providers.docker.provider import DockerProvider

__all__ = ["DockerProvider"]
