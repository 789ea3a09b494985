"""Reads from the merged configuration which certificates the resolvers are to obtain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from discovery.acme.names import UnusableNameError, normalise
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router
from rondpoint.rules.server_names import server_names
from rondpoint.rules.suggestions import did_you_mean
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions
from rondpoint.store.acme import certificate_id
from rondpoint.tcp.model import TcpRouter
from rondpoint.tls.model import Certificate, CertificateRequest, TlsDomain
from rondpoint.tls.names import covers
from rondpoint.tls.options_by_host import hosts_in

PROVIDER = "acme"
DEFAULT_REQUEST = "tls.stores.default.defaultGeneratedCert"

_Router = Router | TcpRouter

# Each plan needs the ids of all certificates.
_certificate_id = lru_cache(maxsize=1 << 16)(certificate_id)


class WantedCertificate(Struct, frozen=True):
    """A certificate to obtain by a resolver: its names, and what wants it (`router shop@docker`)."""

    resolver: str
    domain: TlsDomain
    subject: str

    @property
    def id(self) -> str:
        """The field of the certificate in the store."""
        return _certificate_id(self.resolver, self.domain)


class _Found(Struct, frozen=True):
    """What one router wants, and what is wrong with it."""

    wanted: tuple[WantedCertificate, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class WantedCertificates:
    """Finds the wanted certificates of each configuration; unchanged routers are not read again."""

    def __init__(self, resolvers: Mapping[str, ResolverOptions]) -> None:
        self._resolvers = resolvers
        self._known: dict[str, tuple[_Router, _Found]] = {}
        self._last_input: object = None
        self._last_result: tuple[tuple[WantedCertificate, ...], tuple[Diagnostic, ...]] = (), ()

    def find(
        self, configuration: Configuration, now: float
    ) -> tuple[tuple[WantedCertificate, ...], tuple[Diagnostic, ...]]:
        """Return the certificates that this configuration wants, and diagnostics for names and resolvers.

        Names that a certificate from another source covers at `now` are not wanted, nor those that another
        wanted certificate covers.
        """
        routers: list[_Router] = [*configuration.routers.values(), *configuration.tcp_routers.values()]
        known = {_subject(router): self._read(router) for router in routers if router.cert_resolver}
        others = [each for each in configuration.certificates.values() if each.not_after > now]
        # Comparing ten thousand objects that are the same takes less than a millisecond.
        if (known, others, configuration.default_certificate) == self._last_input:
            return self._last_result
        self._known = known
        self._last_input = known, others, configuration.default_certificate
        found = [_of_settings(name, options) for name, options in self._resolvers.items()]
        found += [each for _, each in known.values()]
        if configuration.default_certificate is not None:
            found.append(self._of_request(configuration.default_certificate))
        wanted = [each for one in found for each in one.wanted]
        diagnostics = tuple(diagnostic for one in found for diagnostic in one.diagnostics)
        self._last_result = _without_covered(wanted, others), diagnostics
        return self._last_result

    def _read(self, router: _Router) -> tuple[_Router, _Found]:
        before = self._known.get(_subject(router))
        if before is not None and before[0] is router:
            return before
        return router, self._found(router)

    def _of_request(self, request: CertificateRequest) -> _Found:
        resolver = self._resolvers.get(request.resolver)
        if resolver is None:
            return self._unknown(request.resolver, PROVIDER, DEFAULT_REQUEST)
        return _check(request.resolver, resolver, (request.domain,), PROVIDER, DEFAULT_REQUEST)

    def _unknown(self, resolver: str, source: str, subject: str) -> _Found:
        known = self._resolvers
        hint = did_you_mean(resolver, known) if known else "set certificatesResolvers"
        message = f"there is no certificates resolver {resolver!r}"
        hint = f"{hint}; clients get a certificate that they do not trust"
        return _problem(Severity.ERROR, source, subject, message, hint)

    def _found(self, router: _Router) -> _Found:
        subject = _subject(router)
        source = router.name.rpartition("@")[2]
        resolver = self._resolvers.get(router.cert_resolver)
        if resolver is None:
            return self._unknown(router.cert_resolver, source, subject)
        domains = router.tls_domains
        if not domains:
            hosts = tuple(dict.fromkeys(_hosts(router)))
            if not hosts:
                matcher = "Host" if isinstance(router, Router) else "HostSNI with a name"
                message = f"{router.cert_resolver!r} obtains no certificate: the rule has no {matcher}"
                return _problem(Severity.WARNING, source, subject, message, "name the hosts in tls.domains")
            domains = (TlsDomain(hosts[0], hosts[1:]),)
        return _check(router.cert_resolver, resolver, domains, source, subject)


def _subject(router: _Router) -> str:
    """Return the router as diagnostics call it; protocols have separate names."""
    return f"router {router.name}" if isinstance(router, Router) else f"TCP router {router.name}"


def _hosts(router: _Router) -> Iterator[str]:
    if isinstance(router, Router):
        return hosts_in(router.rule.expression)
    return (name for name in server_names(router.rule.expression) if name != "*")


def _of_settings(name: str, options: ResolverOptions) -> _Found:
    return _check(name, options, options.domains, "settings", f"certificatesResolvers.{name}")


def _check(
    name: str, options: ResolverOptions, domains: Iterable[TlsDomain], source: str, subject: str
) -> _Found:
    if not options.challenges:
        # The check of the settings reports it.
        return _Found()
    wanted: list[WantedCertificate] = []
    diagnostics: list[Diagnostic] = []
    for domain in domains:
        usable: list[str] = []
        for each in domain.names:
            try:
                usable.append(normalise(each, wildcards="dns-01" in options.challenges))
            except UnusableNameError as error:
                message = f"no certificate is ordered for {each!r}: {error}"
                hint = "other names are ordered; remove this one, or give it a certificate of your own"
                diagnostics.append(Diagnostic(Severity.WARNING, source, subject, message, hint))
        unique = tuple(dict.fromkeys(usable))
        if unique:
            wanted.append(WantedCertificate(name, TlsDomain(unique[0], unique[1:]), subject))
    return _Found(tuple(wanted), tuple(diagnostics))


def _problem(severity: Severity, source: str, subject: str, message: str, hint: str) -> _Found:
    return _Found((), (Diagnostic(severity, source, subject, message, hint),))


def _without_covered(
    wanted: Sequence[WantedCertificate], others: Iterable[Certificate]
) -> tuple[WantedCertificate, ...]:
    """Return the wanted certificates, less those with no name that needs them.

    The order of the routers makes no difference: those with wildcards come first, then those with more names.
    """
    covered = {name for certificate in others for name in certificate.names}
    kept: list[WantedCertificate] = []
    for each in sorted(wanted, key=_rank):
        names = each.domain.names
        if all(covers(covered, name) for name in names):
            continue
        covered.update(names)
        kept.append(each)
    return tuple(kept)


def _rank(wanted: WantedCertificate) -> tuple[int, int, str, str]:
    names = wanted.domain.names
    wildcards = sum(name.startswith("*") for name in names)
    return -wildcards, -len(names), wanted.domain.main, wanted.resolver
