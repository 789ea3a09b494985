"""The TLS options in the settings of an entry point, for hosts whose routers name no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rondpoint.tls.model import DEFAULT_OPTIONS, ClientAuthType, TlsOptions

if TYPE_CHECKING:
    from rondpoint.settings.tree.entry_points import Tls


def own_options(tls: Tls) -> TlsOptions | None:
    """Return the options in these settings; None if none is set."""
    authority_files = tls.client_authority_files
    client_auth: ClientAuthType = "NoClientCert"
    if authority_files:
        optional = tls.client_ca is not None and tls.client_ca.optional
        client_auth = "VerifyClientCertIfGiven" if optional else "RequireAndVerifyClientCert"
    unserved, authorities = "", []
    for file in authority_files:
        try:
            authorities.append(file.read_text())
        except (OSError, UnicodeDecodeError) as error:
            unserved = f"the file {file} with CA certificates cannot be read: {error}"
    options = TlsOptions(
        DEFAULT_OPTIONS,
        min_version=tls.min_version,
        cipher_suites=tls.cipher_suites,
        curves=tls.curve_preferences,
        sni_strict=tls.sni_strict,
        client_auth=client_auth,
        client_authorities=tuple(authorities),
        unserved=unserved,
    )
    return None if options == TlsOptions(DEFAULT_OPTIONS) else options
