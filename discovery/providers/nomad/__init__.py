"""The Nomad provider: reads routes from the tags of services that Nomad registers itself."""

from discovery.providers.nomad.provider import NomadProvider, nomad_providers

__all__ = ["NomadProvider", "nomad_providers"]
