"""The scripts that the store runs, each in a file beside those that call it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import redis


def script(client: redis.Redis, name: str, package: str = "rondpoint.store") -> Any:
    """One of them, to be called with `keys` and `args`."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    return client.register_script(text)
