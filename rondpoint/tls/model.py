"""The certificates and TLS options that agents publish: immutable values, like the rest of the model."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

TlsVersion = Literal["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"]

ClientAuthType = Literal[
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
]
"""Whether clients need a certificate, and whether it must come from one of the `ca_files`."""

DEFAULT_OPTIONS = "default"
"""The unqualified name of the options of all hosts whose routers name no others."""


class TlsDomain(Struct, frozen=True, omit_defaults=True, gc=False):
    """The names of a certificate that a resolver is to obtain."""

    main: str
    sans: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once, the main one first."""
        return tuple(dict.fromkeys((self.main, *self.sans)))


class CertificateRequest(Struct, frozen=True, gc=False):
    """A certificate that `resolver` is to obtain for the names of `domain`."""

    resolver: str
    domain: TlsDomain


class Certificate(Struct, frozen=True, omit_defaults=True, gc=False):
    """A certificate for servers, with its private key.

    `name` is unique: the start of the fingerprint and the provider (`0123456789abcdef@file`). `chain` is PEM
    text, the certificate itself first. `key` is PEM text, sealed unless the installation has no secret.
    `names` are DNS names and IP addresses in lower case. `not_before` and `not_after` are Unix seconds,
    `serial` is decimal, `key_type` the kind and size of the key (`EC256`, `RSA2048`, `Ed25519`). `source`
    says to people where it is from: a file, or the resolver. `resolver` is the one that obtained it, if any.
    Without `entry_points` it is for all of them. A `default` certificate is for names that no other has; its
    name is its own, even if the same certificate is there for its names.

    Without a `chain` it is no certificate yet: `resolver` is to obtain the default certificate for `names`.
    Providers and contributions have such requests, the published configuration has none.
    """

    name: str
    chain: str
    key: str
    names: tuple[str, ...] = ()
    not_before: float = 0.0
    not_after: float = 0.0
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    key_type: str = ""
    source: str = ""
    resolver: str = ""
    entry_points: tuple[str, ...] = ()
    default: bool = False

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"Certificate({self.name!r}, {self.names!r})"


class TlsOptions(Struct, frozen=True, omit_defaults=True, gc=False):
    """How connections are made with clients of the hosts whose routers name these options.

    `name` is qualified (`strict@file`). `cipher_suites` and `curves` are Go's names; empty ones stand for
    OpenSSL's choice. `alpn` lists protocols in order of preference; an empty one stands for all that are
    served. `client_authorities` are certificates in PEM. With `sni_strict`, clients whose name no certificate
    has are refused. `unserved` says why all connections to these hosts are refused, if an option cannot be
    read or is not served.
    """

    name: str
    min_version: TlsVersion = "VersionTLS12"
    max_version: TlsVersion | None = None
    cipher_suites: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()
    sni_strict: bool = False
    client_auth: ClientAuthType = "NoClientCert"
    client_authorities: tuple[str, ...] = ()
    session_tickets: bool = True
    unserved: str = ""

    @property
    def is_default(self) -> bool:
        """Whether these are the default options; one provider at most defines them."""
        return self.name.partition("@")[0] == DEFAULT_OPTIONS
