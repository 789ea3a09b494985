"""The Marathon provider: reads routes from the labels of apps, and follows Marathon's events."""

from discovery.providers.marathon.provider import MarathonProvider

__all__ = ["MarathonProvider"]
