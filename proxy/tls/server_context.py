"""The TLS context of an entry point, from its settings."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.settings.tree.entry_points import Tls

_VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


class CertificateError(Exception):
    """A certificate cannot be used; the message names its file."""


def server_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS context of an entry point. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for pair in tls.certificates:
        try:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        except OSError as error:
            raise CertificateError(
                f"certificate {pair.cert_file} with key {pair.key_file}: {error}"
            ) from None
    return context
