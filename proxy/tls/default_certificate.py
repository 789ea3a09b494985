"""The default certificate: self-signed, for clients for which the proxy has no other.

No client trusts it. Its name is random, so that no client can mistake it for the certificate of a host. It
follows from the secret of the instance, so all workers present the same one, and its key is only in memory.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from proxy.authentication.instance_secret import INSTANCE_SECRET, INSTANCE_START
from proxy.tls.pem_in_memory import load_pem

if TYPE_CHECKING:
    import ssl


@cache
def default_certificate() -> bytes:
    """Return key and certificate in PEM format."""
    # Imported only now: most proxies need no such certificate, and the library behind it is large.
    from proxy.tls.certificate_generation import generate_certificate  # noqa: PLC0415

    return generate_certificate(INSTANCE_SECRET, INSTANCE_START)


def load_default_certificate(context: ssl.SSLContext) -> None:
    """Make `context` present the default certificate."""
    load_pem(context, default_certificate())
