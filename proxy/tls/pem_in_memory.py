"""Loads keys and certificates that never lie on a disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def load_pem(context: ssl.SSLContext, pem: bytes) -> None:
    """Make `context` present this certificate; the text has its key, too. Raises OSError, ValueError."""
    with pem_file(pem) as path:
        context.load_cert_chain(path, password=_refuse_password)


@contextmanager
def pem_file(pem: bytes) -> Iterator[str]:
    """Yield the name of a file in memory with this text: OpenSSL reads certificates from files only."""
    file = os.memfd_create("certificate and key")
    try:
        os.write(file, pem)
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)


def _refuse_password() -> str:
    # Without this, OpenSSL would ask for the password on the terminal, and the process would wait.
    raise ValueError("the key is encrypted")
