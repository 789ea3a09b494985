"""Loads keys and certificates that never lie on a disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def load_pem(context: ssl.SSLContext, pem: bytes) -> None:
    """Make `context` present this certificate; the text has its key, too. Raises OSError."""
    # The module ssl reads keys from files only.
    file = os.memfd_create("certificate and key")
    try:
        os.write(file, pem)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
