"""Schemas of middlewares that filter requests by origin, or pass client certificates to the server."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, group, kind
from rondpoint.middlewares.readers import networks, status, switch
from rondpoint.middlewares.schemas.shared import ip_strategy

_OFF = Option(switch, default=False)
_ISSUER = ("country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent")
_CHARACTERS = ("Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash")
_RANGES: dict[str, Option | Group] = {
    "sourceRange": Option(networks, required=True),
    "ipStrategy": ip_strategy(may_be_bare=True),
}

KINDS: dict[str, Group] = {
    "encodedCharacters": kind({f"allowEncoded{name}": _OFF for name in _CHARACTERS}, guards=True),
    "ipAllowList": kind({**_RANGES, "rejectStatusCode": Option(status, default=403)}, guards=True),
    "ipWhiteList": kind(_RANGES, guards=True),
    "passTLSClientCert": kind(
        {
            "pem": _OFF,
            "info": group(
                **dict.fromkeys(("notAfter", "notBefore", "sans", "serialNumber"), _OFF),
                issuer=group(**dict.fromkeys(_ISSUER, _OFF)),
                subject=group(**dict.fromkeys((*_ISSUER, "organizationalUnit"), _OFF)),
            ),
            "traefik1Format": _OFF,
        },
        guards=True,
    ),
}
