"""Responses with a page of objects, or with one object, of any protocol."""

from __future__ import annotations

from collections.abc import Iterable

import redis
from flask import Response, request

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response, list_response
from proxy.admin.object_lists import list_names
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.preconditions import tag
from rondpoint.store.admin.document import ADMIN, field_name, read_stored


def page_response(kind: str) -> Response:
    """Return a page of the objects of a kind, including those that were left out. Raises Refusal."""
    configuration = CurrentConfiguration(runtime())
    try:
        page = page_of(list_names(configuration, kind, request.args), request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items: Iterable[object] = (
        configuration.view(kind, name) for name in configuration.in_portions(page.items)
    )
    return list_response(items, {NEXT: str(page.next)})


def one_response(protocol: str, noun: str, name: str) -> Response:
    """Return the object of a protocol (`http`, `tcp`, `udp`) with this qualified name. Raises Refusal.

    `noun` is `router`, `service` or `middleware`.
    """
    kind = noun if protocol == "http" else f"{protocol} {noun}"
    found = CurrentConfiguration(runtime()).view(kind, name)
    if found is None:
        raise Refusal(404, f"{noun} not found: {name}")
    return json_response(found, headers=_version(f"{protocol}/{noun}s", name))


def _version(section: str, name: str) -> dict[str, str]:
    """Return the `ETag` header of an object that the API has defined; empty for other objects."""
    bare, _, provider = name.rpartition("@")
    if provider != ADMIN:
        return {}
    worker = runtime()
    try:
        stored = read_stored(worker.client, worker.keys, field_name(ADMIN, section, bare))
    except redis.RedisError:
        # The object itself is served without an ETag.
        return {}
    return {} if stored is None else {"ETag": tag(stored.version)}
