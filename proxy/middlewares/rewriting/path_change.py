"""The change of a path that the filters of Kubernetes' Gateway API describe: all of it, or its prefix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.middlewares.rewriting.paths import escape_path, raw_length, require_resolved, split_target

ChangeTarget = Callable[[bytes], bytes]
"""Returns a request target with the changed path and the same query. Raises RequestError."""


def compile_path_change(options: Mapping[str, Any]) -> ChangeTarget | None:
    """Compile `path` and `pathPrefix`; None if the path stays.

    The prefix ends at a slash: of `/foo` and `/foo/`, both mean the same. A path without the prefix stays.
    """
    if "path" not in options:
        return None
    if "pathPrefix" not in options:
        whole = escape_path(options["path"].encode())
        return lambda target: whole + split_target(target)[1]
    replacement = options["path"].rstrip("/")
    start = escape_path(replacement.encode()) if replacement else b""
    prefix = options["pathPrefix"].rstrip("/").encode()

    def change(target: bytes) -> bytes:
        path, query = split_target(target)
        length = raw_length(path, prefix)
        rest = path[max(length, 0) :]
        if length < 0 or (rest and not rest.startswith(b"/")):
            return path + query
        return require_resolved(start + rest or b"/") + query

    return change
