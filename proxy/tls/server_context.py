"""Makes TLS contexts for clients: with the options of their host, and certificates for it."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from proxy.tls.alpn import offered_for_tcp, offered_protocols
from proxy.tls.errors import CertificateError, OptionsError
from proxy.tls.openssl_context import openssl
from proxy.tls.pem_in_memory import load_pem, pem_file
from rondpoint.tls.algorithms import CIPHER_SUITES, CURVES, UNCONFIGURABLE_SUITES, VERSIONS

if TYPE_CHECKING:
    from rondpoint.tls.model import Certificate, TlsOptions

_MODES = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_OPTIONAL,
    "RequireAnyClientCert": ssl.CERT_REQUIRED,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")

# TLS up to 1.1 signs with SHA-1, which OpenSSL allows only at this level.
_OLD_VERSIONS = ":@SECLEVEL=0"
_SUITES_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
"""The cipher suites of TLS 1.3, the preferred ones first."""
_PRIORITIZE_CHACHA = 1 << 21
"""SSL_OP_PRIORITIZE_CHACHA of OpenSSL's ssl.h."""
_NO_ACCESS = "this Python gives no access to OpenSSL's contexts"


def create_context(options: TlsOptions, *, for_tcp: bool = False) -> ssl.SSLContext:
    """Return a context with these options, still without certificates. Raises OptionsError.

    With `for_tcp` it offers the protocols that clients of TCP routers get.
    """
    if options.unserved:
        raise OptionsError(options.unserved)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    _set_versions(context, options)
    _prefer_fast_suites(context)
    access = openssl()
    if access is not None:
        access.send_given_chains(context)
    if options.curves:
        _set_groups(context, options)
    protocols = offered_for_tcp(options) if for_tcp else offered_protocols(options)
    if protocols:
        context.set_alpn_protocols(protocols)
    if options.client_auth != "NoClientCert":
        _authenticate_clients(context, options)
    if options.session_tickets:
        # OpenSSL sends two. Like those of Go's servers, our clients get one; each costs 5 % of a handshake.
        context.num_tickets = 1
    else:
        _disable_resumption(context)
    return context


def missing_algorithms(options: TlsOptions) -> list[str]:
    """Return the cipher suites and curves of these options that this OpenSSL does not have."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    access = openssl()
    missing = [
        name for name in options.cipher_suites if name in CIPHER_SUITES and not _has_suite(context, name)
    ]
    if access is not None:
        missing += [name for name in options.curves if not access.set_groups(context, CURVES[name])]
    return missing


def _has_suite(context: ssl.SSLContext, name: str) -> bool:
    try:
        context.set_ciphers(CIPHER_SUITES[name])
    except ssl.SSLError:
        return False
    return True


def load_certificates(
    context: ssl.SSLContext, certificates: Sequence[Certificate], open_key: Callable[[str], str]
) -> None:
    """Make a context present the first of these certificates whose key type the client supports.

    `open_key` returns the key of a certificate as PEM text, or raises ValueError. Raises CertificateError;
    the context is useless then.
    """
    # Of several with one key type, OpenSSL keeps the last.
    for certificate in reversed(certificates):
        try:
            _load(context, certificate, open_key(certificate.key))
        except (OSError, ValueError) as error:
            raise CertificateError(certificate, error) from None


def _load(context: ssl.SSLContext, certificate: Certificate, key: str) -> None:
    """Make a context present a certificate. Raises OSError or ValueError."""
    access = openssl()
    if access is None or not access.load_certificate(context, certificate.chain, key, certificate.key_type):
        load_pem(context, f"{key}\n{certificate.chain}".encode())


def _set_versions(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Set the versions of TLS, and the suites of those up to 1.2."""
    lowest = VERSIONS[options.min_version]
    highest = (
        ssl.TLSVersion.MAXIMUM_SUPPORTED if options.max_version is None else VERSIONS[options.max_version]
    )
    suites = _suites(options)
    if options.cipher_suites and not suites:
        # Only suites of TLS 1.3 are listed, so that older clients have none.
        lowest = max(lowest, ssl.TLSVersion.TLSv1_3)
    if options.max_version is not None and lowest > highest:
        raise OptionsError(
            f"no version of TLS is left between {options.min_version} and {options.max_version}"
        )
    is_old = lowest < ssl.TLSVersion.TLSv1_2
    with warnings.catch_warnings():
        # The user wants them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = lowest, highest
    if suites or is_old:
        try:
            context.set_ciphers(":".join(suites or ["DEFAULT"]) + (_OLD_VERSIONS if is_old else ""))
        except ssl.SSLError:
            raise OptionsError(
                f"OpenSSL has none of the suites in cipherSuites: {', '.join(suites)}"
            ) from None


def _prefer_fast_suites(context: ssl.SSLContext) -> None:
    """Prefer AES-128 with SHA-256, like Go's servers: OpenSSL prefers AES-256 with SHA-384.

    A handshake computes some 60 such hashes, which takes a tenth of its time. Clients that prefer ChaCha20
    get it, because they have no instructions for AES.
    """
    context.options |= _PRIORITIZE_CHACHA
    access = openssl()
    if access is not None:
        access.set_suites(context, _SUITES_13)


def _suites(options: TlsOptions) -> list[str]:
    """Return the suites up to TLS 1.2 in OpenSSL's names. Raises OptionsError for an unknown one."""
    found = []
    for name in options.cipher_suites:
        if name in CIPHER_SUITES:
            found.append(CIPHER_SUITES[name])
        elif name not in UNCONFIGURABLE_SUITES:
            raise OptionsError(f"the cipher suite {name} is unknown")
    return found


def _set_groups(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Set the curves that OpenSSL has. Raises OptionsError if it has none of them, or if one is unknown."""
    access = openssl()
    if access is None:
        raise OptionsError(f"curvePreferences cannot be set: {_NO_ACCESS}")
    for name in options.curves:
        if name not in CURVES:
            raise OptionsError(f"the curve {name} is unknown")
    known = [CURVES[name] for name in options.curves if access.set_groups(context, CURVES[name])]
    if not known or not access.set_groups(context, ":".join(dict.fromkeys(known))):
        raise OptionsError(f"OpenSSL has none of the curves {', '.join(options.curves)}")


def _authenticate_clients(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Ask clients for certificates. Raises OptionsError."""
    access = openssl()
    kind, authorities = options.client_auth, "\n".join(options.client_authorities)
    if kind in _UNVERIFIED:
        if access is None:
            raise OptionsError(f"clientAuthType {kind} cannot be set: {_NO_ACCESS}")
        access.accept_any_client_certificate(context)
    elif not authorities:
        raise OptionsError(f"clientAuthType {kind} needs caFiles")
    context.verify_mode = _MODES[kind]
    if authorities:
        # As in Go, any certificate among the authorities is trusted, not only one that signs itself.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError) as error:
            raise OptionsError(f"caFiles: {error}") from None
        if access is not None:
            with pem_file(authorities.encode()) as path:
                access.name_client_authorities(context, path)
    # All contexts share the keys of tickets, and a resumed session asks for no certificate. Without access to
    # OpenSSL, each context has keys of its own.
    if access is not None:
        access.limit_sessions(context, sha256(f"{kind}\n{authorities}".encode()).digest())


def _disable_resumption(context: ssl.SSLContext) -> None:
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    access = openssl()
    if access is not None:
        access.keep_no_sessions(context)
