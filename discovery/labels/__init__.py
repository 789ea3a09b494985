"""Labels of containers, in both dialects, to routers, services, middlewares and diagnostics; pure."""

from discovery.decoding.decoded import Decoded
from discovery.labels.decode import decode

__all__ = ["Decoded", "decode"]
