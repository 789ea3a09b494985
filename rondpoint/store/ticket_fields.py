"""The fields of services in the hash of tickets; each protocol has its own names."""

from __future__ import annotations

from collections.abc import Container

from msgspec import Struct

TCP, UDP = "tcp:", "udp:"
"""Prefixes of the services of these protocols; those of HTTP have none."""


class TicketFields(Struct, frozen=True):
    """The fields that belong to services, given the names of the services of each protocol."""

    http: Container[str] = ()
    tcp: Container[str] = ()
    udp: Container[str] = ()

    def __contains__(self, field: object) -> bool:
        if not isinstance(field, str):
            return False
        if field in self.http:
            return True
        return (field.startswith(TCP) and field.removeprefix(TCP) in self.tcp) or (
            field.startswith(UDP) and field.removeprefix(UDP) in self.udp
        )
