"""The TLS context of a client, from the options of a provider."""

from __future__ import annotations

import ssl

from discovery.http_client.errors import HttpError
from rondpoint.certificate_options import (
    as_file,
    describe_fault,
    load_authority,
    may_be_shown,
    refuse_password,
)
from rondpoint.settings.tree.client_tls import ClientTls


def client_context(options: ClientTls) -> ssl.SSLContext:
    """Return the context. Raises HttpError if a certificate or key cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if options.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.ca:
        try:
            load_authority(context, options.ca)
        except ValueError as error:
            raise HttpError(f"tls.ca {error}") from None
    else:
        context.load_default_certs()
    if options.cert or options.key:
        _load_certificate(context, options)
    return context


def _load_certificate(context: ssl.SSLContext, options: ClientTls) -> None:
    if not (options.cert and options.key):
        raise HttpError("tls.cert and tls.key belong together", "set both, or neither")
    try:
        with as_file(options.cert) as cert, as_file(options.key) as key:
            context.load_cert_chain(cert, key, refuse_password)
    except (OSError, ValueError) as error:
        shown = f" {options.cert}" if may_be_shown(options.cert) else ""
        reason = describe_fault(error)
        raise HttpError(f"the client certificate{shown} or its key cannot be used: {reason}") from None
