"""The form of an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rondpoint.model import Service


class Served(NamedTuple):
    """A request and what it meets: the service, and the kinds of the middlewares on the way.

    `status` is Rondpoint's own response; 0 means that a server responds. The host may be followed by a path.
    """

    url: str
    service: str = ""
    kinds: tuple[str, ...] = ()
    status: int = 0
    entry_point: str = "http"


class Example(NamedTuple):
    """An example: the text of a file, keys, or the labels of containers by their names.

    `page` is where Traefik's documentation has such an example. `services` are some properties of services;
    `told` are parts of the diagnostics, in any order.
    """

    name: str
    page: str
    served: Sequence[Served]
    file: str = ""
    keys: Mapping[str, str] = {}
    labels: Mapping[str, Mapping[str, str]] = {}
    services: Mapping[str, Service] = {}
    told: Sequence[str] = ()


NOT_FOUND = 404
