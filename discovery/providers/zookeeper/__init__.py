"""The ZooKeeper provider: reads routes from znodes."""

from discovery.certificates.loading import Seal
from discovery.providers.key_value import KeyValueProvider
from discovery.providers.zookeeper.source import ZooKeeperKeys
from rondpoint.settings import ZooKeeperOptions

__all__ = ["ZooKeeperKeys", "zookeeper_provider"]


def zookeeper_provider(options: ZooKeeperOptions, seal: Seal = str) -> KeyValueProvider:
    """Return the provider for ZooKeeper's znodes."""
    return KeyValueProvider(ZooKeeperKeys(options), options, seal)
