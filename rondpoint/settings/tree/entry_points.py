"""The settings of entry points, the addresses on which Rondpoint listens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from rondpoint.model import Verbosity
from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.entry_point_http import HttpOptions, Strategy
from rondpoint.settings.tree.entry_points_v1 import AuthOfV1, RedirectOfV1, SwitchOfV1, WhiteListOfV1
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import (
    CertificatePair,
    Certificates,
    EntryPointAddress,
    Networks,
    NonNegativeInt,
    PositiveInt,
    Protocol,
    Seconds,
    Switch,
    Text,
    Texts,
    Timeout,
    split_entry_point_address,
)
from rondpoint.tls.model import TlsVersion

ADMIN = "traefik"
"""The name of the admin entry point (API, dashboard, ping), as in Traefik."""

Underscores = Literal["allow", "reject", "drop"]

_UNDERSCORES: dict[Strategy, Underscores] = {"keep": "allow", "delete": "drop", "reject": "reject"}


class RespondingTimeouts(Section):
    read_timeout: Seconds = Field(
        default=60.0,
        description="Time limit for a request head, and between two parts of a request body; 0 for no limit.",
    )
    write_timeout: Seconds = Field(
        default=0.0,
        description="Time for which a client may stop reading a response; 0 for `limits.stallTimeout`.",
    )
    idle_timeout: Seconds = Field(
        default=180.0,
        description="Time for which an idle connection of a client stays open; 0 for no limit.",
    )


class LifeCycle(Section):
    request_accept_grace_timeout: Seconds = Field(
        default=0.0,
        description="Time for which Rondpoint still accepts connections when it ends, while `/ping` responds "
        "with `ping.terminatingStatusCode`. The longest time of all entry points applies to all.",
    )
    grace_time_out: Seconds = Field(
        default=10.0, description="Time for requests in flight to finish when Rondpoint ends."
    )


class Transport(Section):
    keep_alive_max_requests: NonNegativeInt = Field(
        default=0,
        description="Requests of a connection after which Rondpoint closes it; 0 for no limit.",
    )
    keep_alive_max_time: Seconds = Field(
        default=0.0,
        description="Time after which the next response is the last one of a connection; 0 for no limit.",
    )
    responding_timeouts: RespondingTimeouts = RespondingTimeouts()
    life_cycle: LifeCycle = LifeCycle()


class Http2(Section):
    max_concurrent_streams: PositiveInt = Field(
        default=250, description="Requests that a client may have in flight on one HTTP/2 connection."
    )
    max_decoder_header_table_size: NonNegativeInt = Field(
        default=4096,
        description="Bytes of the table with which a client compresses its request headers (HPACK).",
    )
    max_encoder_header_table_size: NonNegativeInt = Field(
        default=4096,
        description="Bytes of the table with which Rondpoint compresses response headers, if the client "
        "allows as many.",
    )


class ForwardedHeaders(Section):
    insecure: Switch = Field(
        default=False, description="Trust `X-Forwarded-*` and `X-Real-Ip` from every client. For tests only."
    )
    not_append_x_forwarded_for: Switch = Field(
        default=False,
        description="Do not append the address of the connection's client to `X-Forwarded-For`. Servers get "
        "only the addresses that trusted proxies in front have sent, and `X-Real-Ip`.",
    )
    trusted_ips: Networks = Field(
        default=(),
        description="Addresses and networks (CIDR) of trusted proxies in front of Rondpoint. Their "
        "`X-Forwarded-*` and `X-Real-Ip` are kept; those of other clients are replaced.",
    )


class ProxyProtocol(Section):
    insecure: Switch = Field(
        default=False, description="Accept a PROXY protocol header from every client. For tests only."
    )
    trusted_ips: Networks = Field(
        default=(),
        description="Addresses and networks (CIDR) of proxies whose PROXY protocol header, version 1 or 2, "
        "gives the client's address; the header is refused from other addresses.",
    )


class ClientCa(Section):
    """Traefik 1: the CA certificates that verify certificates of clients."""

    files: Texts = Field(default=(), description="PEM files with these CA certificates.")
    optional: Switch = Field(default=False, description="Accept clients without a certificate, too.")


class DefaultCertificate(Section):
    """Traefik 1: the certificate for clients that name no host, or one for which there is none."""

    cert_file: Text = Field(default="", description="The PEM file with the certificate.")
    key_file: Text = Field(default="", description="The PEM file with its key.")


class Tls(Section):
    """TLS for clients, with HTTP/2 and HTTP/1.1.

    Its options are for routers that name no TLS options. If one of them is set, the options `default` of the
    configuration do not count on this entry point.
    """

    certificates: Certificates = Field(
        default=(),
        description="Certificate and key as PEM files: tables with `certFile` and `keyFile`, or "
        "`cert.pem,key.pem`. A client gets the certificate for the host name that it names (SNI), exact "
        "before wildcard; for another name, and for none, the first one. Of several for one name it gets the "
        "first whose key type (RSA, ECDSA) it supports. They come before the certificates of the "
        "configuration. Without any, clients get the default certificate, which each proxy generates and "
        "which no client trusts.",
    )
    default_certificate: DefaultCertificate | None = None
    min_version: TlsVersion = Field(
        default="VersionTLS12",
        description="The lowest TLS version: `VersionTLS10`, `VersionTLS11`, `VersionTLS12` or "
        "`VersionTLS13`.",
    )
    cipher_suites: Texts = Field(
        default=(),
        description="The cipher suites up to TLS 1.2 in Go's names, such as "
        "`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; empty for OpenSSL's choice. Those of TLS 1.3 cannot be "
        "chosen.",
    )
    curve_preferences: Texts = Field(
        default=(), description="The curves of the key exchange, in Go's names: `X25519`, `CurveP256`."
    )
    sni_strict: Switch = Field(
        default=False, description="Refuse clients for whose host name there is no certificate."
    )
    client_ca: ClientCa | None = None
    client_ca_files: Texts = Field(default=(), description="Traefik 1: the same as `clientCA.files`.")

    @property
    def pairs(self) -> tuple[CertificatePair, ...]:
        """All certificates, the default one first."""
        default = self.default_certificate
        if default is None:
            return self.certificates
        return (CertificatePair(Path(default.cert_file), Path(default.key_file)), *self.certificates)

    @property
    def client_authority_files(self) -> tuple[Path, ...]:
        """The files with CA certificates for clients."""
        files = self.client_ca.files if self.client_ca is not None else ()
        return tuple(map(Path, files or self.client_ca_files))


def _one_of(choices: tuple[str, ...]) -> Parse:
    """Return a validator that accepts these choices in any case."""

    def read(value: object) -> object:
        text = str(value).strip().lower()
        if text not in choices:
            raise ValueError("expected one of " + ", ".join(choices))
        return text

    return Parse(read)


class Observability(Section):
    """Defaults for routers without `observability` of their own, and for requests without a router."""

    access_logs: Switch = Field(default=True, description="Log requests, if there is an access log.")
    metrics: Switch = Field(default=True, description="Count requests for `/metrics`, if it is on.")
    tracing: Switch = Field(default=True, description="Trace requests, if tracing is on.")
    trace_verbosity: Annotated[Verbosity, _one_of(get_args(Verbosity))] = Field(
        default="minimal",
        description="`minimal`: a span for the entry point and one for each attempt at a server; `detailed`: "
        "also spans for router, middlewares and service.",
    )


class Udp(Section):
    timeout: Timeout = Field(
        default=3.0,
        description="Time without a datagram in either direction after which a UDP session ends.",
    )


class EntryPoint(Section):
    """An entry point; an empty `host` means every address of the machine."""

    address: EntryPointAddress = Field(
        description="The address to listen on: `:80`, `127.0.0.1:8080`, `[::1]:80`, with an optional `/tcp`; "
        "with `/udp` for [UDP](../udp.md)."
    )
    allow_acme_by_pass: Switch = Field(
        default=False,
        description="Let routers take ACME's HTTP challenges, for another ACME client behind this proxy. An "
        "entry point that a resolver's `httpChallenge` names responds to the challenges of its own orders.",
    )
    as_default: Switch = Field(
        default=False,
        description="Routers without entry points use those with `asDefault`; if there are none, all.",
    )
    forwarded_headers: ForwardedHeaders = ForwardedHeaders()
    proxy_protocol: ProxyProtocol = ProxyProtocol()
    tls: Tls | None = None
    request_id: Switch = Field(
        default=False,
        description="Add `X-Request-Id` to requests without one; servers get it, and the access log (`json`) "
        "contains it.",
    )
    headers_with_underscores: Annotated[Underscores, _one_of(get_args(Underscores))] = Field(
        default="allow",
        description="Request headers and trailers with underscores in their names: `allow` passes them on, "
        "`drop` removes them, `reject` responds with 400. WSGI and CGI servers read `X_Auth_User` as "
        "`X-Auth-User`.",
    )
    observability: Observability = Observability()
    transport: Transport = Transport()
    http: HttpOptions = HttpOptions()
    http2: Http2 = Http2()
    udp: Udp = Udp()
    redirect: RedirectOfV1 | None = None
    auth: AuthOfV1 | None = None
    white_list: WhiteListOfV1 | None = None
    whitelist_source_range: Texts = Field(
        default=(), description="Traefik 1: the same as `whiteList.sourceRange`, which wins."
    )
    compress: SwitchOfV1 = Field(default=False, description="Traefik 1: compress responses of all routers.")

    @property
    def underscores(self) -> Underscores:
        """How to handle header names with underscores, in whichever spelling it is set."""
        if self.headers_with_underscores != "allow":
            return self.headers_with_underscores
        return _UNDERSCORES[self.http.underscore_headers_strategy]

    @property
    def host(self) -> str:
        return split_entry_point_address(self.address)[0]

    @property
    def port(self) -> int:
        return split_entry_point_address(self.address)[1]

    @property
    def protocol(self) -> Protocol:
        """The protocol below that of the application: `tcp` or `udp`."""
        return split_entry_point_address(self.address)[2]
