"""The TLS contexts of an entry point: one for each set of certificates that a client may get."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from proxy.tls.certificate_contents import CertificateContents, read_certificates
from proxy.tls.certificate_index import CertificateIndex
from proxy.tls.default_certificate import load_default_certificate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rondpoint.settings.tree.entry_points import Tls
    from rondpoint.settings.values import CertificatePair

_VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


class CertificateError(Exception):
    """A certificate cannot be used; the message names its file."""


class ServerContexts:
    """The contexts for the settings `tls` of an entry point. Raises CertificateError.

    Without certificates, all clients get the default certificate.

    `contents` are those of its certificates. `only` is the one context that all clients get, None if there
    are several.
    """

    def __init__(self, tls: Tls) -> None:
        # First, because it names the file of a certificate that cannot be loaded.
        every = _create_context(tls, tls.certificates)
        self.contents: tuple[CertificateContents, ...] = tuple(read_certificates(tls.certificates))
        names = {each.pair: each.names for each in self.contents}
        self._contexts: dict[tuple[CertificatePair, ...], ssl.SSLContext] = {(): every}
        if tls.certificates:
            self._index = CertificateIndex([(pair, names.get(pair, ())) for pair in tls.certificates])
            self._contexts = {
                each: every if each == tls.certificates else _create_context(tls, each)
                for each in self._index.all()
            }
        contexts = tuple(self._contexts.values())
        self.only: ssl.SSLContext | None = contexts[0] if len(contexts) == 1 else None

    def all(self) -> Iterable[ssl.SSLContext]:
        """Return each context that a client may get."""
        return self._contexts.values()

    def find(self, server_name: str, address: str) -> ssl.SSLContext:
        """Return the context for a client; the parameters are as in `CertificateIndex.find`.

        If there is only one, it is `only`, and no client needs this choice.
        """
        return self._contexts[self._index.find(server_name, address)]


def _create_context(tls: Tls, pairs: tuple[CertificatePair, ...]) -> ssl.SSLContext:
    """Return a context that gives each client the first of these certificates whose key type it supports."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if not pairs:
        load_default_certificate(context)
    # Of several with one key type, OpenSSL keeps the last.
    for pair in reversed(pairs):
        try:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        except OSError as error:
            raise CertificateError(
                f"certificate {pair.cert_file} with key {pair.key_file}: {error}"
            ) from None
    return context
