"""The Docker provider: reads routes from container labels and follows the Docker engine's events."""

from discovery.providers.docker.provider import DockerProvider

__all__ = ["DockerProvider"]
