"""Schemas of options that several kinds share."""

from __future__ import annotations

from types import MappingProxyType

from rondpoint.middlewares.options import Group, Option, Secrecy, group
from rondpoint.middlewares.readers import amount, between, networks, switch, text


def ip_strategy(*, may_be_bare: bool = False) -> Group:
    """Return the options that choose the client's address."""
    options: dict[str, Option | Group] = {
        "depth": Option(amount, default=0),
        "excludedIPs": Option(networks),
        "ipv6Subnet": Option(between(1, 128)),
    }
    return Group(MappingProxyType(options), may_be_bare)


def source_criterion() -> Group:
    """Return the options that choose the key by which requests are counted."""
    return group(
        ipStrategy=ip_strategy(),
        requestHeaderName=Option(text, default=""),
        requestHost=Option(switch, default=False),
    )


def client_tls(*, ca_optional: bool = False) -> Group:
    """Return the options for TLS connections to an auxiliary service."""
    options: dict[str, Option | Group] = {
        "ca": Option(text, default=""),
        "cert": Option(text, default=""),
        "key": Option(text, default="", secrecy=Secrecy.HIDDEN),
        "insecureSkipVerify": Option(switch, default=False),
    }
    if ca_optional:
        options["caOptional"] = Option(switch)
    return Group(MappingProxyType(options))
