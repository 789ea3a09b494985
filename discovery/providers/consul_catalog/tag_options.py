"""The options of the catalogue's tags."""

from __future__ import annotations

from discovery.providers.tagged_services.options import TagOptions
from rondpoint.settings import ConsulCatalogOptions

PROVIDER = "consulcatalog"


def tag_options(options: ConsulCatalogOptions) -> TagOptions:
    """Return the options of the tags, from the provider's settings."""
    return TagOptions(
        provider=PROVIDER,
        section="providers.consulCatalog",
        own_labels="traefik.consulcatalog.",
        prefix=options.prefix,
        exposed_by_default=options.exposed_by_default,
        default_rule=options.default_rule,
        domain=options.domain,
        front_end_rule=options.front_end_rule,
        healthy_statuses=options.strict_checks,
    )
