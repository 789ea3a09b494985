"""What responds to the challenges of a resolver."""

from __future__ import annotations

import threading

from discovery.acme.challenges.challenge import HTTP_01, TLS_ALPN_01, ChallengeResponder
from discovery.acme.managing.patient_store import PatientStore
from discovery.acme.managing.store_responder import StoreResponder
from rondpoint.settings.tree.certificates_resolvers import DnsChallenge, ResolverOptions
from rondpoint.store.sealing import Sealer


def responders_of(
    options: ResolverOptions, store: PatientStore, sealer: Sealer, stop: threading.Event
) -> list[ChallengeResponder]:
    """Return a responder for each configured challenge, in the order in which they are tried."""
    found: list[ChallengeResponder] = []
    for kind in options.challenges:
        if kind == TLS_ALPN_01 and options.tls_challenge is not None:
            found.append(StoreResponder(kind, store, sealer, options.tls_challenge.delay, stop))
        elif kind == HTTP_01 and options.http_challenge is not None:
            found.append(StoreResponder(kind, store, sealer, options.http_challenge.delay, stop))
        elif options.dns_challenge is not None:
            found.append(_dns_responder(options.dns_challenge, stop))
    return found


def _dns_responder(settings: DnsChallenge, stop: threading.Event) -> ChallengeResponder:
    # Imported only now: most installations need no DNS provider.
    from discovery.acme.dns.options import options_of  # noqa: PLC0415
    from discovery.acme.dns.responder import Dns01Responder  # noqa: PLC0415

    return Dns01Responder(options_of(settings), stop)
