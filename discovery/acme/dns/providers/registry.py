"""Finds the DNS provider of a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from discovery.acme.dns.errors import ConfigurationError
from discovery.acme.dns.providers.acme_dns import AcmeDns
from discovery.acme.dns.providers.contract import DnsProvider, Setup
from discovery.acme.dns.providers.exec import Exec
from discovery.acme.dns.providers.httpreq import HttpReq
from discovery.acme.dns.providers.lexicon import Lexicon
from discovery.acme.dns.providers.lexicon_rows import ROW_OF
from discovery.acme.dns.providers.rfc2136 import Rfc2136
from rondpoint.rules.suggestions import find_nearest

OTHERS_HINT = "for other DNS services there are exec, httpreq, and acme-dns with a CNAME record"


def _manual(_setup: Setup) -> DnsProvider:
    raise ConfigurationError(
        "DNS provider manual asks a person for each record, at each renewal",
        f"name another provider; {OTHERS_HINT}",
    )


PROVIDERS: dict[str, Callable[[Setup], DnsProvider]] = {
    "acme-dns": AcmeDns,
    "acmedns": AcmeDns,
    "dnsupdate": Rfc2136,
    "exec": Exec,
    "httpreq": HttpReq,
    "manual": _manual,
    "rfc2136": Rfc2136,
    **{name: partial(Lexicon, row) for name, row in ROW_OF.items()},
}
"""Makes a provider, by lego's name. Each raises ConfigurationError if variables are missing or wrong."""


def make_provider(name: str, setup: Setup) -> DnsProvider:
    """Return the provider, with its variables as they are now.

    Raises ConfigurationError, which names the provider, if there is none or its variables do not suffice.
    """
    make = PROVIDERS.get(name)
    if make is not None:
        return make(setup)
    near = find_nearest(name, (each for each in PROVIDERS if each != "manual"))
    raise ConfigurationError(
        f"unknown DNS provider {name!r}", f"did you mean {near}? {OTHERS_HINT}" if near else OTHERS_HINT
    )
