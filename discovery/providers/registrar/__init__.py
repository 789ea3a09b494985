"""The registrar: a provider without routes that registers containers in Consul."""

from discovery.providers.registrar.provider import Registrar

__all__ = ["Registrar"]
