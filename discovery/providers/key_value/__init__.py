"""The key-value provider: reads routes from a tree of keys in the layouts of Traefik 1 and Traefik 3.

One provider serves every store. A store has an adapter of its own, which implements `KeyValueSource`.
"""

from discovery.providers.key_value.contract import KeyUpdate, KeyValueSource, Report
from discovery.providers.key_value.provider import KeyValueProvider

__all__ = ["KeyUpdate", "KeyValueProvider", "KeyValueSource", "Report"]
