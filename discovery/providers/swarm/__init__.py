"""The Swarm provider: reads routes from the labels of a Swarm's services, and follows the services' tasks."""

from discovery.providers.swarm.provider import SwarmProvider

__all__ = ["SwarmProvider"]
