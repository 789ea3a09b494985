"""The Consul key-value provider: reads routes from Consul's keys."""

from discovery.certificates.loading import Seal
from discovery.providers.consul_keys.source import ConsulKeys
from discovery.providers.key_value import KeyValueProvider
from rondpoint.settings import ConsulOptions

__all__ = ["ConsulKeys", "consul_provider"]


def consul_provider(options: ConsulOptions, seal: Seal = str) -> KeyValueProvider:
    """Return the provider for Consul's keys."""
    return KeyValueProvider(ConsulKeys(options), options, seal)
