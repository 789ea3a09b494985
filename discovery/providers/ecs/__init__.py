"""The provider for Amazon ECS: reads routes from the Docker labels of task definitions, at an interval."""

from discovery.providers.ecs.provider import EcsProvider

__all__ = ["EcsProvider"]
