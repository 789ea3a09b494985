"""Which parts of client certificates a middleware passes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class WantedInfo(NamedTuple):
    """The wanted parts; `subject` and `issuer` have the options of the wanted attributes.

    `traefik_1` means the form of Traefik 1.
    """

    subject: frozenset[str]
    issuer: frozenset[str]
    serial_number: bool
    not_before: bool
    not_after: bool
    sans: bool
    traefik_1: bool


def read_wanted(info: Mapping[str, Any], *, traefik_1: bool) -> WantedInfo:
    """Return what the option `info` of passTLSClientCert, with its defaults, asks for."""
    return WantedInfo(
        _chosen(info.get("subject")),
        _chosen(info.get("issuer")),
        info["serialNumber"],
        info["notBefore"],
        info["notAfter"],
        info["sans"],
        traefik_1,
    )


def _chosen(attributes: Mapping[str, bool] | None) -> frozenset[str]:
    return frozenset(name for name, wanted in (attributes or {}).items() if wanted)
