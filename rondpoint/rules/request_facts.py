"""The properties of a request that rules match."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


def _none() -> Mapping[str, tuple[str, ...]]:
    return {}


class Facts(Struct, frozen=True):
    """The properties of a request.

    Host and path are normalised, names of headers are in lower case, query names and values are decoded.
    `client` is the peer's address, which `X-Forwarded-For` does not change, as in Traefik. `kept_path` is the
    path with its dot segments and empty segments, if it is known.
    """

    host: str = ""
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=_none)
    query: tuple[tuple[str, str], ...] = ()
    client: str = ""
    kept_path: str = ""
