"""Reads the certificates that the other side of a TLS connection has sent.

The module ssl has a public function for it only from Python 3.13 on, and a hidden one before.
"""

from __future__ import annotations

import _ssl
import ssl
from collections.abc import Iterable
from typing import Any


def sent_certificates(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the certificates in DER format, the peer's own first; empty if it has sent none.

    After a resumption there is only its own, because a session keeps no others.
    """
    own = tls.getpeercert(binary_form=True)
    if own is None:
        return ()
    read = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    encoding = getattr(_ssl, "ENCODING_DER", None)
    chain: Iterable[Any] = (read() or ()) if read is not None and encoding is not None else ()
    found = tuple(each.public_bytes(encoding) for each in chain)
    # If this Python hands out something else, the peer's own certificate is certain.
    return found if found[:1] == (own,) else (own,)
