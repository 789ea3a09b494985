"""The form that all kinds of middleware have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy.http1.request import Request

Step = Callable[["Request"], None]
"""Changes the request on its way to a server. Raises RequestError with what the client is to be answered."""

Compile = Callable[[Mapping[str, Any]], Step]
"""From complete options, in Traefik 3 spelling. Raises ValueError for those that cannot be performed."""

KINDS: dict[str, Compile] = {}
"""Every kind that is served, by its name in Traefik 3 spelling."""


def kind(name: str) -> Callable[[Compile], Compile]:
    """Register how a kind of middleware is compiled."""

    def register(function: Compile) -> Compile:
        KINDS[name] = function
        return function

    return register
