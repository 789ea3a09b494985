"""The address and the credentials of Nomad's HTTP API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from rondpoint.settings import ClientTls, NomadEndpoint

DEFAULT_ADDRESS = "http://127.0.0.1:4646"

_TRUE = frozenset({"1", "t", "true"})


class Endpoint(Struct, frozen=True):
    """Where Nomad is. `url` has neither credentials nor a slash at its end."""

    url: str
    region: str = ""
    token: str = ""
    tls: ClientTls | None = None


def endpoint_of(options: NomadEndpoint, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint; Nomad's own variables apply to options that are not set. Raises ValueError."""
    written = options.address or environment.get("NOMAD_ADDR") or DEFAULT_ADDRESS
    parts = urlsplit(written if "://" in written else f"http://{written}")
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.username:
        raise ValueError(f"Nomad's address {written!r} is not a URL such as {DEFAULT_ADDRESS}")
    return Endpoint(
        f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}",
        options.region or environment.get("NOMAD_REGION", ""),
        options.token or environment.get("NOMAD_TOKEN", ""),
        options.tls or _tls(environment),
    )


def _tls(environment: Mapping[str, str]) -> ClientTls | None:
    names = {"ca": "NOMAD_CACERT", "cert": "NOMAD_CLIENT_CERT", "key": "NOMAD_CLIENT_KEY"}
    given = {option: environment[name] for option, name in names.items() if environment.get(name)}
    skip = environment.get("NOMAD_SKIP_VERIFY", "").lower() in _TRUE
    return ClientTls(**given, insecure_skip_verify=skip) if given or skip else None
