"""Names of objects, in Traefik's form."""

from __future__ import annotations

import re

_RUNS = re.compile(r"[\W_]+")


def qualify(name: str, provider: str) -> str:
    """Return `hello@docker` for `hello` of provider `docker`; a qualified name stays as it is."""
    return name if "@" in name else f"{name}@{provider}"


def normalise(name: str) -> str:
    """Replace each run of characters other than letters and digits by one `-`, and remove it at the ends."""
    return _RUNS.sub("-", name).strip("-")
