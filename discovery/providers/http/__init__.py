"""The HTTP provider: fetches a dynamic configuration from a URL at an interval."""

from discovery.providers.http.provider import HttpProvider

__all__ = ["HttpProvider"]
