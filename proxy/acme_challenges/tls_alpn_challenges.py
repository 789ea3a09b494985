"""Answers TLS-ALPN-01 challenges (RFC 8737): the certificate of the challenge is the answer.

They come before the options and the client authentication of all hosts: a CA sends no certificate of its own.
"""

from __future__ import annotations

import logging
import re
import ssl
from typing import TYPE_CHECKING

from proxy.acme_challenges.challenge_lookup import ChallengeLookup, LookupFailedError
from proxy.tls.pem_in_memory import load_pem
from rondpoint.store.acme import tls_challenge
from rondpoint.store.sealing import SealError

if TYPE_CHECKING:
    from proxy.tls.client_hello import ClientHello
    from rondpoint.store.sealing import Sealer

log = logging.getLogger(__name__)

PROTOCOL = "acme-tls/1"
"""The protocol that a CA offers, and nobody else (RFC 8737 §6.2)."""

_OFFERED = PROTOCOL.encode()
# The length is bounded because the name becomes part of a key of the store.
_NAME = re.compile(r"[a-z0-9_.-]{1,253}")


def is_challenge(hello: ClientHello) -> bool:
    """Return whether the client is a CA that checks a challenge."""
    return _OFFERED in hello.alpn_protocols


class TlsAlpnChallenges:
    """Finds the certificates of challenges; `sealer` opens their keys."""

    def __init__(self, lookup: ChallengeLookup, sealer: Sealer) -> None:
        self._lookup = lookup
        self._sealer = sealer
        # The last warning, because anybody can cause many.
        self._logged = ""

    def context(self, server_name: str) -> ssl.SSLContext | None:
        """Return the context for the challenge of this name; None if there is none.

        Raises LookupFailedError.
        """
        if not _NAME.fullmatch(server_name):
            return None
        found = self._lookup.find(tls_challenge(server_name))
        if found is None:
            return None
        try:
            return _challenge_context(self._sealer.open(found))
        except (SealError, OSError) as error:
            message = f"the TLS-ALPN-01 challenge of {server_name} cannot be answered: {error}"
            if message != self._logged:
                self._logged = message
                log.warning("%s", message)
            raise LookupFailedError("the challenge is unusable") from None


def _challenge_context(pem: str) -> ssl.SSLContext:
    """Return a context that presents this certificate. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_alpn_protocols([PROTOCOL])
    load_pem(context, pem.encode())
    return context
