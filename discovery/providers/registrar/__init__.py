"""The registrar: a provider without routes that registers containers in Consul, for the Consul providers to find."""

from discovery.providers.registrar.provider import Registrar

__all__ = ["Registrar"]
