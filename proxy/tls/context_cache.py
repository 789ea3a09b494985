"""Keeps the TLS contexts that handshakes have needed lately, and makes others on demand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from gevent.hub import get_hub
from gevent.lock import Semaphore

from proxy.background.cooperative_yield import CooperativeYield
from proxy.tls.alpn import offered_for_tcp, offered_protocols
from proxy.tls.default_certificate import default_certificate, load_default_certificate
from proxy.tls.server_context import create_context, load_certificates

if TYPE_CHECKING:
    import ssl

    from rondpoint.tls.model import Certificate, TlsOptions

MAX_CONTEXTS = 5000
"""The number of contexts that a worker keeps; each takes some 20 KB."""


class _Entry(NamedTuple):
    """The certificates and options are here so that no other objects get their ids."""

    context: ssl.SSLContext
    certificates: tuple[Certificate, ...]
    options: TlsOptions


class ContextCache:
    """TLS contexts by certificates and options; the one not needed for longest goes first.

    `open_key` returns the key of a certificate as PEM text, or raises ValueError. `on_new` gets each new
    context.
    """

    def __init__(
        self,
        open_key: Callable[[str], str],
        on_new: Callable[[ssl.SSLContext], None],
        limit: int = MAX_CONTEXTS,
    ) -> None:
        self._open_key = open_key
        self._on_new = on_new
        self._limit = limit
        self._entries: OrderedDict[tuple[int, ...], _Entry] = OrderedDict()
        self._turn = Semaphore()
        self._yield_if_due = CooperativeYield()

    def __len__(self) -> int:
        return len(self._entries)

    def get(
        self, certificates: tuple[Certificate, ...], options: TlsOptions, *, for_tcp: bool = False
    ) -> ssl.SSLContext:
        """Return a context that presents one of these certificates; without any, the default certificate.

        With `for_tcp` it is for clients of TCP routers. Raises CertificateError, OptionsError.
        """
        # Most options offer the same protocols to all clients.
        for_tcp = for_tcp and offered_for_tcp(options) != offered_protocols(options)
        # Comparing certificates would take longer than making a context. A changed one is a new object.
        key = (id(options), int(for_tcp), *map(id, certificates))
        entry = self._entries.get(key)
        if entry is None:
            # One at a time, so that clients with many different names do not hold all other requests up.
            with self._turn:
                self._yield_if_due()
                entry = self._entries.get(key) or self._make(key, certificates, options, for_tcp=for_tcp)
        self._entries.move_to_end(key)
        return entry.context

    def _make(
        self,
        key: tuple[int, ...],
        certificates: tuple[Certificate, ...],
        options: TlsOptions,
        *,
        for_tcp: bool,
    ) -> _Entry:
        context = create_context(options, for_tcp=for_tcp)
        if certificates:
            load_certificates(context, certificates, self._open_key)
        else:
            # In a thread, because the import of the library behind it takes up to 0.2 s.
            get_hub().threadpool.apply(default_certificate)
            load_default_certificate(context)
        self._on_new(context)
        entry = self._entries[key] = _Entry(context, certificates, options)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return entry
