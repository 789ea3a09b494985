"""The form of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class SampleRequest(NamedTuple):
    """A request to the host of its case; `path` is a target in origin form."""

    path: str = "/"
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class Case(NamedTuple):
    """Middlewares of one router, in Traefik 3's file syntax, and requests to it.

    `chain` names the router's middlewares in order, all of them if it is empty. `response_headers` are those
    that the origin sends. If Rondpoint departs from Traefik on purpose, `departure` is the reason.
    """

    name: str
    middlewares: Mapping[str, Any]
    requests: Sequence[SampleRequest]
    chain: Sequence[str] = ()
    response_headers: Sequence[tuple[str, str]] = ()
    departure: str = ""
