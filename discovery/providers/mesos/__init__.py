"""The Mesos provider: reads routes from the labels of tasks, and follows the events of the leading master."""

from discovery.providers.mesos.provider import MesosProvider

__all__ = ["MesosProvider"]
