"""Compiles `tls` options for connections to auxiliary servers, as in Traefik 3."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from rondpoint.certificate_options import as_file, is_pem, refuse_password
from rondpoint.servers_transports.client_context import OpenKey


def client_context(options: Mapping[str, Any] | None, open_key: OpenKey = str) -> ssl.SSLContext:
    """Return the context for these options; None means the system's authorities, without client certificate.

    `ca`, `cert` and `key` are names of files, or their contents. A provider may have sealed the key, and
    `open_key` opens it. Raises ValueError.
    """
    options = options or {}
    try:
        return _create_context(options, open_key)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"its TLS options cannot be used: {error}") from None


def _create_context(options: Mapping[str, Any], open_key: OpenKey) -> ssl.SSLContext:
    authorities = options.get("ca")
    if authorities and is_pem(authorities):
        context = ssl.create_default_context(cadata=authorities)
    else:
        context = ssl.create_default_context(cafile=authorities or None)
    # As in Go, any certificate among the authorities is trusted, whether or not it signed itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if options.get("insecureSkipVerify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = options.get("cert"), options.get("key")
    if bool(certificate) != bool(key):
        raise ValueError("its TLS options need both `cert` and `key`, or neither")
    if certificate and key:
        with as_file(certificate) as certificate_file, as_file(open_key(key)) as key_file:
            context.load_cert_chain(certificate_file, key_file, password=refuse_password)
    context.set_alpn_protocols(["http/1.1"])
    return context
