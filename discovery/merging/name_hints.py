"""Finds names similar to unknown ones, for the hints of diagnostics."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from rondpoint.internal_services import INTERNAL_SERVICES, SUFFIX

MAX_CANDIDATES = 500
"""Largest number of names that are searched for a similar one, because each comparison takes time."""

MAX_COMPARISONS = 5000
"""Largest number of names compared for one configuration.

Further missing names get no hint, so that many faults in one container do not delay other routes.
"""

_INTERNAL_HINT = f"routers may name {', '.join(INTERNAL_SERVICES)}"

_HTTP_ONLY = "services of Rondpoint are for HTTP routers"


class NameHints:
    """Finds similar names for unknown ones, up to a limit of comparisons."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def nearest(self, name: str, known: Collection[str]) -> str:
        """Return a hint for the unknown `name`, possibly empty."""
        return _INTERNAL_HINT if name.endswith(SUFFIX) else self._similar(name, known)

    def nearest_layer4(self, name: str, known: Collection[str]) -> str:
        """Return the hint for an object of TCP or UDP."""
        return _HTTP_ONLY if name.endswith(SUFFIX) else self._similar(name, known)

    def _similar(self, name: str, known: Collection[str]) -> str:
        if not known:
            return "none is defined"
        if len(known) > MAX_CANDIDATES:
            return ""
        bare = name.partition("@")[0]
        nearest = sorted(other for other in known if other.partition("@")[0] == bare)
        if not nearest:
            if len(known) > self._left:
                return ""
            self._left -= len(known)
            nearest = get_close_matches(name, sorted(known), n=1)
        return f"did you mean {nearest[0]!r}?" if nearest else ""
