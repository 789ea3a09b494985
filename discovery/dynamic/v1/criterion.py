"""Translates Traefik 1's extractor functions, which choose by what requests are counted."""

from __future__ import annotations

from typing import Any

_HEADER = "request.header."

DEFAULT = "request.host"
"""The extractor function of `maxConn` if none is given."""


def source_criterion(function: object) -> dict[str, Any]:
    """`client.ip`, `request.host` or `request.header.NAME`: as Traefik 3's `sourceCriterion`.

    Raises ValueError with what was expected.
    """
    name = str(function).strip()
    if name.lower() == "client.ip":
        return {"ipStrategy": {}}
    if name.lower() == "request.host":
        return {"requestHost": True}
    header = name[len(_HEADER) :]
    if name.lower().startswith(_HEADER) and header:
        return {"requestHeaderName": header}
    raise ValueError("expected client.ip, request.host or request.header.NAME")
