"""The addresses Rondpoint listens on."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from rondpoint.model import Verbosity
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import (
    Address,
    CertificatePair,
    Certificates,
    Networks,
    Seconds,
    Switch,
    split_address,
)

ADMIN = "traefik"
"""The entry point of API, dashboard and ping, as Traefik calls it."""

Underscores = Literal["allow", "reject", "drop"]


class RespondingTimeouts(Section):
    read_timeout: Seconds = Field(
        default=60.0,
        description="Time for a client to send a request head, and for each progress with a body; 0 for no "
        "limit.",
    )
    write_timeout: Seconds = Field(
        default=0.0,
        description="Time a client may take nothing of what is being sent to it; 0 for "
        "`limits.stallTimeout`.",
    )
    idle_timeout: Seconds = Field(
        default=180.0,
        description="Time a keep-alive connection may wait for its next request; 0 for no limit.",
    )


class LifeCycle(Section):
    grace_time_out: Seconds = Field(
        default=10.0, description="Time that running requests have to finish when Rondpoint ends."
    )


class Transport(Section):
    responding_timeouts: RespondingTimeouts = RespondingTimeouts()
    life_cycle: LifeCycle = LifeCycle()


class ForwardedHeaders(Section):
    insecure: Switch = Field(
        default=False, description="Believe `X-Forwarded-*` and `X-Real-Ip` of every client. For trials only."
    )
    trusted_ips: Networks = Field(
        default=(),
        description="Addresses and networks (CIDR) of the proxies in front, whose `X-Forwarded-*` and "
        "`X-Real-Ip` are kept; those of other clients are replaced.",
    )


class ProxyProtocol(Section):
    insecure: Switch = Field(
        default=False, description="Take a PROXY protocol header from every client. For trials only."
    )
    trusted_ips: Networks = Field(
        default=(),
        description="Addresses and networks (CIDR) from which a PROXY protocol header, version 1 or 2, "
        "tells the client's address; from others it is refused.",
    )


class Tls(Section):
    """Speak TLS to clients, HTTP/1.1 within it."""

    certificates: Certificates = Field(
        description="Certificate and key, PEM files: tables with `certFile` and `keyFile`, or "
        "`cert.pem,key.pem`. Needed; a second one is for clients that cannot use the first one's kind of "
        "key (RSA, ECDSA). One for each name (SNI) is not served yet."
    )
    min_version: Literal["VersionTLS12", "VersionTLS13"] = Field(
        default="VersionTLS12",
        description="The lowest version of TLS to speak: `VersionTLS12`, `VersionTLS13`.",
    )

    @field_validator("certificates")
    @classmethod
    def _one_at_least(cls, value: tuple[CertificatePair, ...]) -> tuple[CertificatePair, ...]:
        if not value:
            raise ValueError("expected certFile and keyFile, or cert.pem,key.pem")
        return value


def _one_of(words: tuple[str, ...]) -> BeforeValidator:
    """Reads one of these words, whatever its case."""

    def read(value: object) -> object:
        text = str(value).strip().lower()
        if text not in words:
            raise ValueError("expected one of " + ", ".join(words))
        return text

    return BeforeValidator(read)


class Observability(Section):
    """What is told of requests to routers that do not say so themselves, and to none."""

    access_logs: Switch = Field(default=True, description="Log requests, where there is an access log.")
    metrics: Switch = Field(default=True, description="Count requests for `/metrics`, where that is on.")
    tracing: Switch = Field(default=True, description="Trace requests, where tracing is on.")
    trace_verbosity: Annotated[Verbosity, _one_of(get_args(Verbosity))] = Field(
        default="minimal",
        description="`minimal`: a span at the entry point and one for each server asked; `detailed`: also "
        "spans of router, middlewares and service.",
    )


class EntryPoint(Section):
    """`host` is empty when the address names none, which means every address of the machine."""

    address: Address = Field(
        description="Where to listen: `:80`, `127.0.0.1:8080`, `[::1]:80`, with an optional `/tcp`."
    )
    as_default: Switch = Field(
        default=False,
        description="Routers that name no entry point use the ones marked so; with none marked, all.",
    )
    forwarded_headers: ForwardedHeaders = ForwardedHeaders()
    proxy_protocol: ProxyProtocol = ProxyProtocol()
    tls: Tls | None = None
    request_id: Switch = Field(
        default=False,
        description="Give requests that bear no `X-Request-Id` one; servers get it, and it is in the access "
        "log (`json`).",
    )
    headers_with_underscores: Annotated[Underscores, _one_of(get_args(Underscores))] = Field(
        default="allow",
        description="Request headers and trailers whose names have underscores: `allow` passes them on, "
        "`drop` leaves them out, `reject` answers 400. WSGI and CGI servers take `X_Auth_User` for "
        "`X-Auth-User`.",
    )
    observability: Observability = Observability()
    transport: Transport = Transport()

    @property
    def host(self) -> str:
        return split_address(self.address)[0]

    @property
    def port(self) -> int:
        return split_address(self.address)[1]
