"""TLS of one router: the options of its connections, and the certificates that its hosts get."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from msgspec import Struct

from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.certificates.status import format_time
from rondpoint.model import Router
from rondpoint.tls.options_by_host import hosts_in

MAX_HOSTS = 6
"""Hosts shown for one router."""


class HostCertificate(Struct, frozen=True):
    """The certificate that a host gets; `name` is empty for the default certificate that a proxy generates.

    `until` is the end of its validity, for people. `problem` says why clients get none.
    """

    host: str
    name: str = ""
    title: str = ""
    status: str = ""
    until: str = ""
    problem: str = ""


class RouterTls(Struct, frozen=True):
    """TLS of a router. `more` counts hosts that are not shown."""

    options: tuple[str, ...]
    resolver: str
    hosts: tuple[HostCertificate, ...]
    more: int = 0


def router_tls(
    router: Router, options_of: Callable[[str, str], str], known: KnownCertificates
) -> RouterTls | None:
    """Return TLS of a router, or None if it takes no requests over TLS itself.

    `options_of` returns the TLS options that connections for a router, by name, need on an entry point.
    """
    points = known.tls_entry_points(router)
    if not points:
        return None
    hosts = tuple(dict.fromkeys(hosts_in(router.rule.expression)))
    return RouterTls(
        tuple(sorted({options_of(point, router.name) for point in points})),
        router.cert_resolver,
        tuple(_host_certificate(points[0], host, known) for host in islice(hosts, MAX_HOSTS)),
        max(0, len(hosts) - MAX_HOSTS),
    )


def _host_certificate(point: str, host: str, known: KnownCertificates) -> HostCertificate:
    preview = known.preview(point, host)
    if preview.refusal:
        return HostCertificate(host, problem=preview.refusal)
    if not preview.certificates:
        return HostCertificate(host, status="failed")
    certificate = preview.certificates[0]
    listed = known.by_name.get(certificate.name)
    status = "" if listed is None else known.report(listed).status
    return HostCertificate(
        host,
        certificate.name,
        certificate.subject or next(iter(certificate.names), certificate.name),
        status,
        format_time(certificate.not_after),
    )
