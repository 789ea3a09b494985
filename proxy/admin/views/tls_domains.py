"""The names of a certificate that a resolver is to obtain, as Traefik 3's API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from rondpoint.tls.model import TlsDomain


class DomainView(Struct, frozen=True, omit_defaults=True):
    """The names of a certificate that a resolver is to obtain for the router."""

    main: str
    sans: tuple[str, ...] = ()


def domain_views(domains: Iterable[TlsDomain]) -> tuple[DomainView, ...]:
    """Return the views of these names."""
    return tuple(DomainView(domain.main, domain.sans) for domain in domains)
