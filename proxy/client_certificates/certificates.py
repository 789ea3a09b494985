"""The certificates that one TLS client has sent."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Hashable
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from gevent import get_hub

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_READER = "proxy.client_certificates.distinguished_names"


class ClientCertificates:
    """The certificates of a connection in DER format, the client's own first.

    They are parsed, and each text is made, once for all requests of the connection.
    """

    def __init__(self, chain: tuple[bytes, ...]) -> None:
        self.chain = chain
        self._texts: dict[Hashable, bytes] = {}

    @cached_property
    def parsed(self) -> tuple[Certificate, ...]:
        """The certificates. Raises ValueError for those that are malformed."""
        load_library()
        from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # noqa: PLC0415

        try:
            return tuple(map(load_der_x509_certificate, self.chain))
        except InvalidVersion as error:
            raise ValueError(str(error)) from None

    @cached_property
    def subject(self) -> str:
        """The subject of the client's own certificate as Go writes it; empty if it is malformed."""
        load_library()
        from proxy.client_certificates.distinguished_names import format_name, read_name  # noqa: PLC0415

        try:
            return format_name(read_name(self.parsed[0].subject))
        except ValueError:
            return ""

    def text(self, key: Hashable, make: Callable[[ClientCertificates], bytes]) -> bytes:
        """Return the text that `make` has made for this key before, or makes now."""
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = make(self)
        return found


def pem_value(client: ClientCertificates, *, traefik_1: bool) -> bytes:
    """Return all certificates in base64, as in `X-Forwarded-Tls-Client-Cert`; Traefik 1 also escapes them."""
    encoded = map(base64.b64encode, client.chain)
    return b",".join(quote_plus(each).encode() if traefik_1 else each for each in encoded)


def load_library() -> None:
    """Import what reads certificates: only now, because most proxies see no client certificate."""
    if _READER not in sys.modules:
        # In a thread, because it takes up to 0.2 s, in which other requests must go on.
        get_hub().threadpool.apply(import_module, (_READER,))
