"""The Redis provider: reads routes from keys of Redis or Valkey."""

from discovery.certificates.loading import Seal
from discovery.providers.key_value import KeyValueProvider
from discovery.providers.redis_keys.source import RedisKeys
from rondpoint.settings import RedisKeysOptions

__all__ = ["RedisKeys", "redis_provider"]


def redis_provider(options: RedisKeysOptions, seal: Seal = str) -> KeyValueProvider:
    """Return the provider for Redis' keys."""
    return KeyValueProvider(RedisKeys(options), options, seal)
