"""Responds to HTTP-01 and TLS-ALPN-01 challenges by the store, from where any proxy serves the response."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from discovery.acme.challenges.challenge import HTTP_01, TLS_ALPN_01, Challenge
from discovery.acme.challenges.tls_alpn_certificate import response_certificate
from discovery.acme.managing.patient_store import PatientStore
from rondpoint.store.acme import http_challenge, tls_challenge
from rondpoint.store.sealing import Sealer


class StoreResponder:
    """Responds to challenges of one kind; the CA is told `delay` seconds later.

    Proxies read a response when a client asks for it, so it is visible as soon as it is stored.
    """

    def __init__(
        self, kind: str, store: PatientStore, sealer: Sealer, delay: float, stop: threading.Event
    ) -> None:
        self.kind = kind
        self._store = store
        self._respond = _RESPONSES[kind]
        self._sealer = sealer
        self._delay = delay
        self._stop = stop

    def present(self, challenge: Challenge) -> None:
        """Store the response once a proxy runs. Raises OrderError if the agent stops or no longer leads."""
        # Without one, the validation would fail, which delays the next attempt by minutes and later by hours.
        self._store.wait_for_proxy()
        name, text = self._respond(challenge, self._sealer)
        self._store.write(lambda store: store.present(name, text))

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        """Wait for the delay in the settings."""
        self._stop.wait(self._delay)

    def clean_up(self, challenge: Challenge) -> None:
        """Remove the response, at the first attempt or not at all: it expires by itself."""
        self._store.try_write(lambda store: store.withdraw(_NAMES[self.kind](challenge)))


def _http_response(challenge: Challenge, sealer: Sealer) -> tuple[str, str]:
    # It is not sealed, because everybody who asks for the token gets it.
    return _NAMES[HTTP_01](challenge), challenge.key_authorization


def _tls_response(challenge: Challenge, sealer: Sealer) -> tuple[str, str]:
    return _NAMES[TLS_ALPN_01](challenge), sealer.seal(response_certificate(challenge))


_NAMES: Mapping[str, Callable[[Challenge], str]] = {
    HTTP_01: lambda challenge: http_challenge(challenge.token),
    TLS_ALPN_01: lambda challenge: tls_challenge(challenge.server_name),
}
_RESPONSES: Mapping[str, Callable[[Challenge, Sealer], tuple[str, str]]] = {
    HTTP_01: _http_response,
    TLS_ALPN_01: _tls_response,
}
