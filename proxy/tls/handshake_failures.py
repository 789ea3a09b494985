"""The reasons for which TLS handshakes with clients fail, for the metrics."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from proxy.tls.client_hello import ClientHelloError
from proxy.tls.errors import (
    DECODE_ERROR,
    HANDSHAKE_FAILURE,
    INTERNAL_ERROR,
    NO_APPLICATION_PROTOCOL,
    UNRECOGNIZED_NAME,
    HandshakeError,
)

FAILURE_REASONS: Mapping[str, str] = {
    "name": "there is no certificate for the name, and `sniStrict` or a TLS challenge wants one",
    "options": "the TLS options of the host do not exist, or cannot be served",
    "parameters": "client and proxy have no TLS version, cipher suite or curve in common",
    "protocol": "client and proxy have no protocol (ALPN) in common",
    "client_certificate": "the client sent no certificate, or one that is not trusted",
    "certificate_refused": "the client does not trust the certificate that it got",
    "challenge": "the answer to a TLS challenge could not be read from the store",
    "malformed": "the client sent no valid ClientHello",
    "timeout": "the client did not finish the handshake in time",
    "closed": "the client closed the connection",
    "other": "anything else; the log has it at the level `DEBUG`",
}
"""All reasons, and their meanings for people."""

_BY_ALERT = {
    UNRECOGNIZED_NAME: "name",
    HANDSHAKE_FAILURE: "options",
    NO_APPLICATION_PROTOCOL: "protocol",
    INTERNAL_ERROR: "challenge",
    DECODE_ERROR: "malformed",
}

_BY_OPENSSL_REASON = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "client_certificate",
    "CERTIFICATE_VERIFY_FAILED": "client_certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "certificate_refused",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "certificate_refused",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "certificate_refused",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "certificate_refused",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "certificate_refused",
    "TLSV1_ALERT_UNKNOWN_CA": "certificate_refused",
    "UNSUPPORTED_PROTOCOL": "parameters",
    "VERSION_TOO_LOW": "parameters",
    "TLSV1_ALERT_PROTOCOL_VERSION": "parameters",
    "NO_SHARED_CIPHER": "parameters",
    "NO_SUITABLE_KEY_SHARE": "parameters",
    "NO_SUITABLE_GROUPS": "parameters",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "parameters",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "parameters",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "parameters",
}


def failure_reason(error: Exception, *, expired: bool) -> str:
    """Return the reason of a failed handshake; `expired`: its time was over."""
    if isinstance(error, HandshakeError):
        return _BY_ALERT.get(error.alert, "other")
    if expired:
        return "timeout"
    if isinstance(error, ClientHelloError):
        return "malformed"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
        return "closed"
    if isinstance(error, ssl.SSLError):
        return _BY_OPENSSL_REASON.get(error.reason or "", "other")
    return "other"
