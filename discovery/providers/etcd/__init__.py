"""The etcd provider: reads routes from etcd's keys, by the HTTP gateway of its API v3."""

from discovery.certificates.loading import Seal
from discovery.providers.etcd.source import EtcdKeys
from discovery.providers.key_value import KeyValueProvider
from rondpoint.settings import EtcdOptions

__all__ = ["EtcdKeys", "etcd_provider"]


def etcd_provider(options: EtcdOptions, seal: Seal = str) -> KeyValueProvider:
    """Return the provider for etcd's keys."""
    return KeyValueProvider(EtcdKeys(options), options, seal)
