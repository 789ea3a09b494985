"""Names of objects, as Traefik makes them."""

from __future__ import annotations

import re

_RUNS = re.compile(r"[\W_]+")


def qualify(name: str, provider: str) -> str:
    """`hello` of provider `docker` is `hello@docker`; a name that is qualified already stays."""
    return name if "@" in name else f"{name}@{provider}"


def normalise(name: str) -> str:
    """Runs of characters other than letters and digits become one `-`, none at the ends."""
    return _RUNS.sub("-", name).strip("-")
