"""A provider without routes, which registers containers in Consul, for Consul's own providers to find."""

from discovery.providers.registrar.provider import Registrar

__all__ = ["Registrar"]
