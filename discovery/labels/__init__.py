"""Decodes container labels in both dialects to routers, services, middlewares and diagnostics.

The package has no side effects.
"""

from discovery.decoding.decoded import Decoded
from discovery.labels.decode import decode

__all__ = ["Decoded", "decode"]
