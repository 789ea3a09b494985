"""Explains the TLS handshake of a client: its options, its certificates, and why browsers warn of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec.structs import replace

from proxy.admin.certificates.status import format_time
from proxy.routing.over_tls import over_tls
from rondpoint.explaining.explanation import ExplainedCertificate, ExplainedHandshake, Explanation
from rondpoint.tls.names import covers

if TYPE_CHECKING:
    from proxy.admin.certificates.known_certificate import KnownCertificate
    from proxy.admin.certificates.known_certificates import KnownCertificates
    from proxy.runtime import Runtime
    from rondpoint.tls.model import Certificate

MAX_NAMES = 5
"""The most names of a certificate in an explanation."""


def with_handshake(
    explanation: Explanation, host: str, runtime: Runtime, known: KnownCertificates
) -> Explanation:
    """Return the explanation of a request over TLS with the handshake before it.

    `host` is the one in the URL. The status is 421 if the router has other TLS options than the connection.
    """
    handshake = explain_handshake(explanation.entry_point, host, runtime, known)
    explanation = replace(explanation, handshake=handshake)
    if handshake.refusal or not explanation.router:
        return explanation
    root = next(iter(explanation.parents), explanation.router)
    required = runtime.context.table.tls_options.for_router(explanation.entry_point, root)
    if required == handshake.options:
        return explanation
    return replace(
        explanation,
        status=421,
        reason=f"router {root} has the TLS options {required}, and the connection was made with "
        f"{handshake.options}",
    )


def explain_handshake(
    entry_point: str, host: str, runtime: Runtime, known: KnownCertificates
) -> ExplainedHandshake:
    """Explain the handshake of a client that opens a URL with this host at an entry point."""
    contexts = runtime.tls.by_entry_point.get(entry_point)
    has_tls_router = runtime.context.table.has_tls_router(over_tls(entry_point))
    if contexts is None or not (entry_point in runtime.settings.tls_entry_points or has_tls_router):
        reason = f"entry point {entry_point} has no tls, and no router with tls"
        return ExplainedHandshake(host, refusal=reason)
    address = _address(host)
    server_name = "" if address else host
    found = contexts.preview(server_name, address, load=True)
    client_auth = "" if found.options is None else found.options.client_auth
    handshake = ExplainedHandshake(server_name, found.options_name, client_auth, refusal=found.refusal)
    if found.refusal:
        return handshake
    return replace(
        handshake,
        certificates=tuple(_explain(each, address or host, known) for each in found.certificates),
        problems=()
        if found.certificates
        else (
            "there is no certificate for this name, so clients get a self-signed one that none trusts",
            *_reasons(host, known.by_name.values(), known),
        ),
    )


def _explain(certificate: Certificate, host: str, known: KnownCertificates) -> ExplainedCertificate:
    listed = known.by_name[certificate.name]
    report = known.report(listed)
    problems = report.errors
    if not covers(certificate.names, host):
        problems = (
            f"it is not for {host}, so browsers warn of it",
            *problems,
            *_reasons(host, known.by_name.values(), known),
        )
    return ExplainedCertificate(
        certificate.name,
        certificate.names[:MAX_NAMES],
        certificate.issuer,
        format_time(certificate.not_after),
        certificate.key_type,
        certificate.source,
        report.status,
        problems,
    )


def _reasons(host: str, listed: Iterable[KnownCertificate], known: KnownCertificates) -> Iterator[str]:
    """Yield what became of certificates for the host that cannot be presented."""
    for each in listed:
        if covers(each.names, host) and (each.certificate is None or each.unusable):
            errors = known.report(each).errors
            yield from errors or (f"resolver {each.resolver} is obtaining it",)


def _address(host: str) -> str:
    """Return the IP address that a host is, without brackets; empty for a name."""
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""
