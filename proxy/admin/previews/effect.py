"""The effect of a middleware on one request, and the registry of functions that say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from proxy.admin.previews.preview_client import PreviewClient
    from proxy.http1.request import Request
    from proxy.limits.gcra import Limit
    from proxy.limits.token_bucket import BucketKey
    from proxy.middlewares.step import Step


TokensLeft = Callable[["BucketKey", "Limit"], "int | None"]


class Effect(Struct, frozen=True):
    """A sentence without its subject, which is the middleware; `status` is set if it responds itself."""

    sentence: str
    status: int = 0


class Subject(Struct, frozen=True):
    """A middleware with its step, and the request that it meets.

    `options` are complete. `request` is a copy, which the steps before have changed. `tokens_left` returns
    how many tokens a bucket has, None if the store does not say.
    """

    name: str
    options: Mapping[str, Any]
    step: Step
    request: Request
    client: PreviewClient
    tokens_left: TokensLeft


Preview = Callable[[Subject], Effect]

PREVIEWS: dict[str, Preview] = {}
"""The functions by kind, in Traefik 3 spelling."""


def preview(*kinds: str) -> Callable[[Preview], Preview]:
    """Register the function that says what middlewares of these kinds do to a request."""

    def register(function: Preview) -> Preview:
        PREVIEWS.update(dict.fromkeys(kinds, function))
        return function

    return register


def listed(items: tuple[str, ...] | list[str], most: int = 8) -> str:
    """Return the items with commas between them; of more than `most`, the number of the others."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
