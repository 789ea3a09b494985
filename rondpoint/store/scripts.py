"""Loads the Lua scripts that run in the store; each file is beside the modules that call it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import redis


def load_script(client: redis.Redis, name: str, package: str = "rondpoint.store") -> Any:
    """Return the script `name`; call it with `keys` and `args`."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    return client.register_script(text)
