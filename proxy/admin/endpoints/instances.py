"""`/api/instances`: the proxies that share the store."""

from __future__ import annotations

from time import time

import redis
from flask import Blueprint, Response, request

from proxy.admin.answers import Refusal, answer_list
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.running import runtime
from proxy.admin.views.instances import instance_views
from rondpoint.store.workers import read_workers

instances = Blueprint("instances", __name__, url_prefix="/api")


@instances.get("/instances")
def serving() -> Response:
    """A page of them, in order of name; 503 where the store does not answer."""
    parts = runtime()
    try:
        views = instance_views(read_workers(parts.client, parts.keys).values(), time())
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not answer: {error}") from None
    try:
        page = page_of(views, request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    return answer_list(page.items, {NEXT: str(page.next)})
