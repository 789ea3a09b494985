"""The Consul key-value provider: reads routes from keys in the layouts of Traefik 1 and Traefik 3."""

from discovery.providers.consul_kv.provider import ConsulKvProvider

__all__ = ["ConsulKvProvider"]
