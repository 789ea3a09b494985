"""Reads the media type in a `Content-Type` (RFC 9110 §8.3.1)."""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rb"[ \t]*(%b(?:/%b)?)[ \t]*(?:;.*)?" % (_TOKEN, _TOKEN))


def media_type(value: bytes) -> bytes:
    """Return the media type in lower case, without parameters; b"" for a malformed value."""
    match = _MEDIA_TYPE.fullmatch(value)
    return b"" if match is None else match[1].lower()
