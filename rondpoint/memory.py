"""Returns memory to the system that the process no longer uses."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def return_free_memory() -> None:
    """Return what the C library keeps of freed memory; do nothing with a C library other than glibc.

    It takes some milliseconds, so call it after work that needed much memory for a moment.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
