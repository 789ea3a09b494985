"""What the publication loop gets: certificates of the model, and diagnostics about failed orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from discovery.acme.planning.plan import HeldCertificate
from discovery.acme.planning.wanted import PROVIDER
from discovery.certificates.errors import ContentsError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.acme import AcmeCertificate, AcmeState
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import Certificate, CertificateRequest
from rondpoint.tls.names import covers

SUFFIX = f"@{PROVIDER}"


class View(Struct, frozen=True):
    """What the publication loop publishes: certificates by name, and diagnostics about failed orders."""

    certificates: Mapping[str, Certificate] = {}
    diagnostics: tuple[Diagnostic, ...] = ()


class ReadCertificates:
    """Reads stored certificates; unchanged ones are not read again."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._read: dict[str, tuple[AcmeCertificate, Certificate | None]] = {}

    def read(
        self, certificates: Mapping[str, AcmeCertificate]
    ) -> tuple[dict[str, HeldCertificate], dict[str, Certificate], tuple[Diagnostic, ...]]:
        """Return the usable ones for planning, by id; for proxies, by name; and what is wrong with others."""
        known: dict[str, tuple[AcmeCertificate, Certificate | None]] = {}
        held: dict[str, HeldCertificate] = {}
        published: dict[str, Certificate] = {}
        diagnostics: list[Diagnostic] = []
        for identity, stored in certificates.items():
            before = self._read.get(identity)
            unchanged = before is not None and before[0] == stored
            certificate = before[1] if before is not None and unchanged else self._convert(stored)
            known[identity] = stored, certificate
            if certificate is None:
                diagnostics.append(_unusable(stored))
                continue
            times = certificate.not_before, certificate.not_after
            held[identity] = HeldCertificate(identity, stored.resolver, certificate.names, *times)
            published[certificate.name] = certificate
        self._read = known
        return held, published, tuple(diagnostics)

    def _convert(self, stored: AcmeCertificate) -> Certificate | None:
        # Imported only now: the library behind it is large.
        from discovery.certificates.pair import check_pair  # noqa: PLC0415

        try:
            pair = check_pair(stored.chain, stored.key)
        except ContentsError:
            return None
        return Certificate(
            f"{pair.fingerprint}{SUFFIX}",
            pair.chain,
            self._sealer.seal(pair.key),
            pair.names,
            pair.not_before,
            pair.not_after,
            pair.subject,
            pair.issuer,
            pair.serial,
            pair.key_type,
            source=f"acme {stored.resolver}",
            resolver=stored.resolver,
        )


def default_certificate(
    request: CertificateRequest, certificates: Iterable[Certificate]
) -> dict[str, Certificate]:
    """Return the default certificate by name, if there is one for the names of the request."""
    names = [name.lower() for name in request.domain.names]
    usable = [each for each in certificates if all(covers(each.names, name) for name in names)]
    if not usable:
        return {}
    best = max(usable, key=lambda each: (each.not_after, each.name))
    name = f"{best.name.partition('@')[0]}-default{SUFFIX}"
    return {name: structs.replace(best, name=name, default=True)}


def failure_diagnostic(
    state: AcmeState, wanted_by: str, holder: HeldCertificate | None, now: float
) -> Diagnostic:
    """Describe a certificate that could not be obtained, and what is served meanwhile."""
    if holder is None or holder.not_after <= now:
        severity, meanwhile = Severity.ERROR, "clients get another certificate, which they do not trust"
    else:
        severity, meanwhile = Severity.WARNING, "the present certificate stays in use"
    hint = "; ".join(filter(None, (state.hint, meanwhile)))
    subject = f"certificate {state.domain.main}"
    return Diagnostic(severity, PROVIDER, subject, state.error, hint, about=wanted_by)


def _unusable(stored: AcmeCertificate) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        PROVIDER,
        f"certificate {stored.domain.main}",
        "the stored certificate cannot be used: it does not fit its key, or is damaged",
        "another one is ordered by itself",
    )
