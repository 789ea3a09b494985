"""Creates the TLS context of a servers transport."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from rondpoint.certificate_options import as_file, describe_fault, load_authority, refuse_password
from rondpoint.model import ServersTransport
from rondpoint.tls.algorithms import VERSIONS

OpenKey = Callable[[str], str]
"""Opens a sealed private key, and returns any other text as it is. Raises ValueError."""


def create_client_context(
    transport: ServersTransport, *, http: bool = True, http2: bool = False, open_key: OpenKey = str
) -> ssl.SSLContext:
    """Return a context that checks servers as the transport says. Raises ValueError, which says why not.

    With `http2` it offers HTTP/2 and HTTP/1.1, otherwise only HTTP/1.1, and without `http` no protocol.
    `open_key` opens a sealed key.

    With `peer_cert_uri`, certificates must come from a trusted authority even if `insecure_skip_verify` is
    set, as in Traefik: otherwise any server could show a certificate with this URI.
    """
    if transport.unserved:
        raise ValueError(transport.unserved)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As in Go, any certificate among the authorities is trusted, whether or not it signed itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if transport.insecure_skip_verify:
        context.check_hostname = False
        if not transport.peer_cert_uri:
            context.verify_mode = ssl.CERT_NONE
    _load_authorities(context, transport.root_cas)
    _set_versions(context, transport)
    if transport.certificate is not None:
        certificate, key = transport.certificate.cert_file, transport.certificate.key_file
        try:
            with as_file(certificate) as name, as_file(open_key(key)) as key_name:
                context.load_cert_chain(name, key_name, password=refuse_password)
        except (OSError, ValueError) as error:
            raise ValueError(f"its client certificate cannot be used: {describe_fault(error)}") from None
    if http:
        context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    return context


def has_uri(certificate: Mapping[str, object] | None, uri: str) -> bool:
    """Return whether a verified certificate, as `ssl` describes it, has this URI among its names."""
    names = (certificate or {}).get("subjectAltName", ())
    return isinstance(names, tuple) and ("URI", uri) in names


def _load_authorities(context: ssl.SSLContext, authorities: tuple[str, ...]) -> None:
    if not authorities:
        context.load_default_certs()
    for authority in authorities:
        try:
            load_authority(context, authority)
        except ValueError as error:
            raise ValueError(f"its root CA {error}") from None


def _set_versions(context: ssl.SSLContext, transport: ServersTransport) -> None:
    if transport.min_version is not None:
        context.minimum_version = VERSIONS[transport.min_version]
    if transport.max_version is not None:
        context.maximum_version = VERSIONS[transport.max_version]
        if context.minimum_version > context.maximum_version:
            raise ValueError("its maxVersion is below its minVersion, which is VersionTLS12 by default")
