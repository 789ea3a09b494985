"""Translates the settings of a resolver to the options of orders."""

from __future__ import annotations

from discovery.acme.orders.ca_trust import with_variables
from discovery.acme.orders.options import CaOptions, CertificateOptions, ExternalAccountBinding
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions


def ca_options(settings: ResolverOptions) -> CaOptions:
    """Return how to reach the CA, and as whom."""
    eab = settings.eab
    return with_variables(
        CaOptions(
            settings.ca_server,
            tuple(settings.ca_certificates),
            settings.ca_system_cert_pool,
            settings.ca_server_name,
            settings.email,
            ExternalAccountBinding(eab.kid, eab.hmac_encoded) if eab is not None and eab.kid else None,
            settings.client_timeout,
            settings.client_response_header_timeout,
        )
    )


def certificate_options(settings: ResolverOptions) -> CertificateOptions:
    """Return what certificates are to be like."""
    return CertificateOptions(
        settings.key_type,
        settings.preferred_chain,
        settings.profile,
        not settings.disable_common_name,
        tuple(settings.email_addresses),
        settings.certificate_timeout,
    )
