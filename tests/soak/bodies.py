"""Bodies that clients and servers compute from a seed and a size, and their digests."""

import hashlib
import random
from functools import lru_cache

_BLOCK = random.Random(7).randbytes(1 << 16)


@lru_cache(maxsize=64)
def body(seed: int, size: int) -> bytes:
    """Return `size` bytes that depend on `seed`."""
    begin = b"%d " % seed
    return (begin + _BLOCK * (size // len(_BLOCK) + 1))[:size]


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
