"""Names that certificates are ordered for: DNS names, wildcards and IP addresses."""

from __future__ import annotations

import re
from ipaddress import ip_address

from rondpoint.rules.hosts import HostError
from rondpoint.rules.hosts import normalise as normalise_host
from rondpoint.tls.names import WILDCARD, is_address

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
MAX_LENGTH = 253


class UnusableNameError(ValueError):
    """No CA certifies this name; the text says why."""


def normalise(name: str, *, wildcards: bool) -> str:
    """Return a name as CAs write it: in lower case and ASCII, without a trailing dot or brackets.

    Raises UnusableNameError for a name that no CA certifies, and for a wildcard without `wildcards`.
    """
    bare = name.strip()
    star = WILDCARD if bare.startswith(WILDCARD) else ""
    try:
        host = normalise_host(bare.removeprefix(star)).strip("[]")
    except HostError as error:
        raise UnusableNameError(str(error)) from None
    if is_address(host):
        if star:
            raise UnusableNameError("an address has no wildcard")
        return str(ip_address(host))
    labels = host.split(".")
    if len(labels) < 2:
        raise UnusableNameError("it has no dot, so it is not a name in the public DNS")
    wrong = [label for label in labels if len(label) > 63 or not _LABEL.fullmatch(label)]
    if wrong or len(host) > MAX_LENGTH:
        raise UnusableNameError(f"{wrong[0] if wrong else host!r} is not allowed in a certificate")
    if star and not wildcards:
        raise UnusableNameError("a wildcard needs dnsChallenge in the resolver")
    return star + host
