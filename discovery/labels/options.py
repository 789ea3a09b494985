"""The options for decoding the labels of one provider's containers."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.settings import EngineOptions


class LabelOptions(Struct, frozen=True):
    """The options of one provider for decoding labels, as its settings describe them.

    `default_rule` is Traefik 3's, `domain` is for the default rules of Traefik 1.
    """

    default_rule: str
    exposed_by_default: bool = True
    domain: str = ""
    network: str = ""
    use_bind_port_ip: bool = False
    allow_empty_services: bool = False


def engine_label_options(options: EngineOptions) -> LabelOptions:
    """Return the options of a provider that reads a Docker engine."""
    return LabelOptions(
        options.default_rule,
        exposed_by_default=options.exposed_by_default,
        domain=options.domain,
        network=options.network,
        use_bind_port_ip=options.use_bind_port_ip,
        allow_empty_services=options.allow_empty_services,
    )
