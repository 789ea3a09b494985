"""Finds entry points by the names that labels, files and keys use."""

from __future__ import annotations

from collections.abc import Collection

_DEFAULT, _DEFAULT_OF_TRAEFIK_1 = "web", "http"


def find_entry_point(name: str, entry_points: Collection[str]) -> str | None:
    """Return the entry point with this name, or None.

    Traefik 1's `http` is `web` if that is the only entry point.
    """
    if name in entry_points:
        return name
    if name == _DEFAULT_OF_TRAEFIK_1 and set(entry_points) == {_DEFAULT}:
        return _DEFAULT
    return None


def list_entry_points(entry_points: Collection[str]) -> str:
    """Return a hint that lists the entry points."""
    return f"the entry points are {', '.join(sorted(entry_points)) or 'none'}"
