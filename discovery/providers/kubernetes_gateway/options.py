"""What the settings say about Gateways."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.providers.kubernetes.lookup import DecodingPolicy

PROVIDER = "kubernetesgateway"


class EntryPointAddress(Struct, frozen=True):
    """An entry point: its port, whether its HTTP always speaks TLS, and whether it is for UDP."""

    port: int
    always_tls: bool = False
    udp: bool = False


class Options(Struct, frozen=True):
    """The controller's name, the entry points, and how routes are decoded.

    `experimental`: the settings allow the protocols of the Gateway API's experimental channel.
    """

    controller: str
    entry_points: Mapping[str, EntryPointAddress]
    policy: DecodingPolicy
    experimental: bool = False
