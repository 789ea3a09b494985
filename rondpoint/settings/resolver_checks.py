"""Checks certificates resolvers, and the references to them."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings.errors import error
from rondpoint.settings.merge import Draft, SettingPath
from rondpoint.settings.tree import ResolverOptions, Settings, setting_key

_SECTION = "certificates_resolvers"


def unusable_time_limits(settings: Settings, draft: Draft) -> Iterator[Diagnostic]:
    """Yield an error for each resolver whose two time limits contradict each other, as Traefik does."""
    for name, resolver in settings.acme_resolvers.items():
        if resolver.client_timeout < resolver.client_response_header_timeout:
            yield error(
                _location(draft, (_SECTION, name, "acme")),
                f"the certificates resolver {name} has a clientTimeout below its clientResponseHeaderTimeout",
                "set clientTimeout to the same time or more",
            )


def resolver_faults(settings: Settings, draft: Draft) -> Iterator[Diagnostic]:
    """Yield an error for each resolver that can obtain nothing, and for each reference to an unknown one.

    Rondpoint starts all the same, because other routes do not depend on it.
    """
    for name, resolver in settings.acme_resolvers.items():
        if not resolver.challenges:
            yield _fault(
                _location(draft, (_SECTION, name, "acme")),
                f"the certificates resolver {name} obtains nothing: it has no challenge",
                f"set httpChallenge.entryPoint, tlsChallenge or dnsChallenge.provider{_incomplete(resolver)}",
            )
    known = settings.acme_resolvers
    for name, point in settings.entry_points.items():
        tls = point.http.tls
        if tls is not None and tls.cert_resolver and tls.cert_resolver not in known:
            yield _fault(
                _location(draft, ("entry_points", name, "http", "tls", "cert_resolver")),
                f"there is no certificates resolver {tls.cert_resolver}, so clients get the certificates "
                "that there are for a name, or the default certificate",
                "expected one of " + ", ".join(known) if known else "set certificatesResolvers",
            )


def _incomplete(resolver: ResolverOptions) -> str:
    if resolver.http_challenge is not None:
        return ": httpChallenge names no entry point"
    return ": dnsChallenge names no provider" if resolver.dns_challenge is not None else ""


def _fault(location: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, "settings", location, message, hint)


def _location(draft: Draft, path: SettingPath) -> str:
    below = [
        *draft.below(path).values(),
        *(draft.sections[key] for key in draft.sections if key[: len(path)] == path),
    ]
    setting = draft.sections.get(path) or next(iter(below), None)
    return setting.location if setting is not None else ".".join(map(setting_key, path))
