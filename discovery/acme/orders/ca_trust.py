"""The TLS context of connections to a CA: whom it trusts, and under which name."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from msgspec import structs
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from discovery.acme.orders.options import CaOptions
from rondpoint.certificate_options import load_authority

_TRUE = frozenset({"1", "t", "true"})


def with_variables(options: CaOptions, environment: Mapping[str, str] = os.environ) -> CaOptions:
    """Return the options, with the variables of lego if the settings name no authorities.

    lego is the ACME library of Traefik. `LEGO_CA_CERTIFICATES` holds files, `LEGO_CA_SYSTEM_CERT_POOL` adds
    the authorities of the system, and `LEGO_CA_SERVER_NAME` is the name in the certificate.
    """
    if options.root_cas or options.server_name:
        return options
    files = environment.get("LEGO_CA_CERTIFICATES", "")
    server_name = environment.get("LEGO_CA_SERVER_NAME", "")
    if not files and not server_name:
        return options
    return structs.replace(
        options,
        root_cas=tuple(file for file in files.split(os.pathsep) if file),
        system_cas=environment.get("LEGO_CA_SYSTEM_CERT_POOL", "").lower() in _TRUE,
        server_name=server_name,
    )


def create_context(options: CaOptions) -> ssl.SSLContext:
    """Return the context. Raises ValueError, which names the file, if an authority cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As in Go, any certificate among the authorities is trusted, whether or not it signed itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if options.system_cas or not options.root_cas:
        context.load_default_certs()
        # A slim image has no authorities of its own.
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    for authority in options.root_cas:
        try:
            load_authority(context, authority)
        except ValueError as error:
            raise ValueError(f"the authority in caCertificates {error}") from None
    return context
