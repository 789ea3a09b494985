"""The middleware encodedCharacters, as in Traefik 3: refuses paths with encoded characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.middlewares.step import Client, Step, kind

if TYPE_CHECKING:
    from proxy.http1.request import Request

_ESCAPES = {
    "allowEncodedSlash": "%2F",
    "allowEncodedBackSlash": "%5C",
    "allowEncodedNullCharacter": "%00",
    "allowEncodedSemicolon": "%3B",
    "allowEncodedPercent": "%25",
    "allowEncodedQuestionMark": "%3F",
    "allowEncodedHash": "%23",
}
# A server may read such an escape as any character.
_MALFORMED = "%(?![0-9A-F]{2})"


@kind("encodedCharacters")
def encoded_characters(options: Mapping[str, Any]) -> Step:
    """Refuse requests with 400 if the path, as sent, has an escape that is not allowed or malformed."""
    refused = [escape for option, escape in _ESCAPES.items() if not options[option]]
    if not refused:
        return _accept
    search = re.compile("|".join([*refused, _MALFORMED]).encode(), re.IGNORECASE).search

    def step(request: Request, client: Client) -> None:
        target = request.target
        if b"%" not in target:
            return
        found = search(target.partition(b"?")[0])
        if found is not None:
            raise RequestError(400, f"the path has the encoded character {found[0].decode()}")

    return step


def _accept(request: Request, client: Client) -> None:
    """Accept every request."""
