"""The encoded characters that an entry point refuses in paths (`http.encodedCharacters`), as a middleware."""

from __future__ import annotations

from rondpoint.entry_points.own_middleware import OwnMiddleware, make_own_middleware
from rondpoint.settings import Settings


def make_encoded_characters(name: str, settings: Settings) -> tuple[OwnMiddleware, ...]:
    """Return the middleware of the entry point `name`; nothing if it allows every character."""
    characters = settings.entry_points[name].http.encoded_characters
    if not characters.refuses_some:
        return ()
    return (
        make_own_middleware(
            name,
            f"{name}-encodedCharacters@internal",
            "encodedCharacters",
            characters.by_option,
            section="http.encodedCharacters",
        ),
    )
