"""The Consul catalogue provider: reads routes from service tags and follows them with blocking queries."""

from discovery.providers.consul_catalog.provider import ConsulCatalogProvider

__all__ = ["ConsulCatalogProvider"]
