"""Chooses the TLS context for each client of an entry point, by its ClientHello."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from proxy.tls.alpn import has_common_protocol, offered_for_tcp, offered_protocols
from proxy.tls.certificate_index import CertificateIndex, Certificates, best_of_each_key_type
from proxy.tls.errors import (
    HANDSHAKE_FAILURE,
    NO_APPLICATION_PROTOCOL,
    UNRECOGNIZED_NAME,
    CertificateError,
    HandshakeError,
    OptionsError,
)
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsOptions

if TYPE_CHECKING:
    from proxy.tls.client_hello import ClientHello
    from proxy.tls.context_cache import ContextCache
    from proxy.tls.options_registry import OptionsRegistry
    from proxy.tls.unusable_certificates import UnusableCertificates
    from rondpoint.tls.model import Certificate


class HandshakePreview(NamedTuple):
    """The options and the certificates of a handshake, one certificate for each type of key.

    Without certificates it is the default certificate. `refusal` says why the handshake is refused; `options`
    is None if they are not served.
    """

    options_name: str
    options: TlsOptions | None = None
    certificates: Certificates = ()
    refusal: str = ""


class EntryPointContexts:
    """The TLS contexts for clients of one entry point.

    Its `own` certificates come before the `published` ones.
    `options_of` returns the name of the TLS options for a server name. `own_options` are the default options
    here, in place of those in the `registry`. `failures` counts failed handshakes by reason.
    """

    def __init__(
        self,
        entry_point: str,
        own: CertificateIndex,
        published: CertificateIndex,
        registry: OptionsRegistry,
        cache: ContextCache,
        unusable: UnusableCertificates,
        options_of: Callable[[str], str],
        own_options: TlsOptions | None = None,
    ) -> None:
        self.failures: Counter[str] = Counter()
        self._entry_point = entry_point
        self._own = own
        # Own certificates never change, and most entry points have none.
        self._indexes = (own, published) if own else (published,)
        self._registry = registry
        self._cache = cache
        self._unusable = unusable
        self._options_of = options_of
        self._own_options = own_options

    @property
    def own_certificates(self) -> Collection[Certificate]:
        """The certificates in the settings of the entry point."""
        return self._own.certificates

    def find(self, hello: ClientHello, address: str) -> tuple[ssl.SSLContext, str]:
        """Return the context for a client, and the name of its options. Raises HandshakeError.

        `address` is the IP address that the client has connected to; it stands for a missing server name.
        """
        name = self._options_of(hello.server_name)
        return self._find(hello, address, name, for_tcp=False), name

    def find_for_tcp(self, hello: ClientHello, address: str, options: str) -> ssl.SSLContext:
        """Return the context like `find`, for a TCP router with the TLS options of this name."""
        return self._find(hello, address, options, for_tcp=True)

    def _find(self, hello: ClientHello, address: str, options_name: str, *, for_tcp: bool) -> ssl.SSLContext:
        try:
            options = self._find_options(options_name)
            offered = offered_for_tcp(options) if for_tcp else offered_protocols(options)
            if not has_common_protocol(hello.alpn_protocols, offered):
                raise HandshakeError(NO_APPLICATION_PROTOCOL, "the client offers no protocol that is served")
            return self._context(hello.server_name or address, options, for_tcp=for_tcp)
        except OptionsError as error:
            raise HandshakeError(HANDSHAKE_FAILURE, str(error)) from error

    def _find_options(self, name: str) -> TlsOptions:
        if name == DEFAULT_OPTIONS and self._own_options is not None:
            return self._own_options
        return self._registry.find(name)

    def preview(self, server_name: str, address: str = "", *, load: bool = False) -> HandshakePreview:
        """Return what a client gets that sends this server name, in lower case.

        Unless `load`, certificates count as usable that were not needed yet.
        """
        name = self._options_of(server_name)
        try:
            options = self._find_options(name)
        except OptionsError as error:
            return HandshakePreview(name, refusal=str(error))
        try:
            if load:
                self._context(server_name or address, options)
            return HandshakePreview(name, options, self._choose(server_name or address, options))
        except (HandshakeError, OptionsError) as handshake_error:
            return HandshakePreview(name, options, refusal=str(handshake_error))

    def _context(self, name: str, options: TlsOptions, *, for_tcp: bool = False) -> ssl.SSLContext:
        """Return a context with the best certificates that can be loaded."""
        while True:
            try:
                return self._cache.get(self._choose(name, options), options, for_tcp=for_tcp)
            except CertificateError as error:
                self._unusable.add(error)

    def _choose(self, name: str, options: TlsOptions) -> Certificates:
        """Return the best certificates, as far as is known; none for the default certificate."""
        for candidates in self._candidates(name, strict=options.sni_strict):
            if certificates := best_of_each_key_type(self._unusable.without(candidates)):
                return certificates
        if not options.sni_strict:
            return ()
        raise HandshakeError(UNRECOGNIZED_NAME, f"no certificate is for {name}, and sniStrict wants one")

    def _candidates(self, name: str, *, strict: bool) -> Iterator[Certificates]:
        """Yield certificates for a name, the best first; unless `strict`, also those for other names."""
        yield self._find_certificates(name)
        yield self._find_certificates("*." + name.partition(".")[2])
        if not strict:
            for index in self._indexes:
                yield index.defaults(self._entry_point)

    def _find_certificates(self, name: str) -> Certificates:
        found: Certificates = ()
        for index in self._indexes:
            found += index.find(name, self._entry_point)
        return found
