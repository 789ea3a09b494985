"""Routes from Consul's catalogue: the tags of its services, followed by blocking queries."""

from discovery.providers.consul_catalog.provider import ConsulCatalogProvider

__all__ = ["ConsulCatalogProvider"]
