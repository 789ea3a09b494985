"""Traces for OpenTelemetry, under Traefik's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, Switch, Text, Texts, parse_text

_PATH = "/v1/traces"


def _endpoint(value: object) -> str:
    url = parse_text(value).strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as http://collector:4318")
    return url


def _rate(value: object) -> float:
    try:
        rate = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        rate = -1.0
    if isinstance(value, bool) or not 0 <= rate <= 1:
        raise ValueError("expected a share between 0 and 1, such as 0.1")
    return rate


def _texts_by_name(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("expected names and, of each, a text")  # noqa: TRY004 - pydantic reports ValueError
    return {str(name): parse_text(text) for name, text in value.items()}


Named = Annotated[Mapping[str, str], BeforeValidator(_texts_by_name)]


class OtlpTls(Section):
    ca: OptionalPath = Field(
        default=None,
        description="Certificates that the collector's is checked against; the system's without.",
    )
    cert: OptionalPath = Field(default=None, description="Our certificate; with `key`.")
    key: OptionalPath = Field(default=None, description="The key of that certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Do not check the collector's certificate. For trials only."
    )


class OtlpHttp(Section):
    endpoint: Annotated[str, BeforeValidator(_endpoint)] = Field(
        default="https://localhost:4318",
        description=f"The collector. Without a path, it gets them at `{_PATH}`.",
    )
    headers: Named = Field(default_factory=dict, description="The header NAME of what is sent to it.")
    tls: OtlpTls = OtlpTls()

    @property
    def url(self) -> str:
        """Where traces are posted."""
        has_path = urlsplit(self.endpoint).path not in ("", "/")
        return self.endpoint if has_path else self.endpoint.rstrip("/") + _PATH


def _authority(value: object) -> str:
    text = parse_text(value).strip()
    try:
        parts = urlsplit(f"//{text}")
        usable = parts.netloc == text and "@" not in text and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected host and port, such as collector:4317")
    return text


class OtlpGrpc(Section):
    """Tells the collector by gRPC, and not by HTTP."""

    endpoint: Annotated[str, BeforeValidator(_authority)] = Field(
        default="localhost:4317", description="The collector, as `HOST:PORT`."
    )
    insecure: Switch = Field(default=False, description="Speak to it without TLS.")
    headers: Named = Field(default_factory=dict, description="The header NAME of what is sent to it.")
    tls: OtlpTls = OtlpTls()

    @property
    def host(self) -> str:
        return urlsplit(f"//{self.endpoint}").hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(f"//{self.endpoint}").port or 0


class Otlp(Section):
    http: OtlpHttp = OtlpHttp()
    grpc: OtlpGrpc | None = None


class Tracing(Section):
    """Traces requests with OpenTelemetry, and passes `traceparent` on (needs `rondpoint[otel]`)."""

    service_name: Text = Field(default="rondpoint", description="What this service is called in traces.")
    resource_attributes: Named = Field(
        default_factory=dict,
        description="The attribute NAME of this service. Those in `OTEL_RESOURCE_ATTRIBUTES` go before.",
    )
    sample_rate: Annotated[float, BeforeValidator(_rate)] = Field(
        default=1.0,
        description="The share of requests that is traced, 0 to 1, of those that belong to no trace; others "
        "are traced if the rest of their trace is.",
    )
    captured_request_headers: Texts = Field(
        default=(), description="Headers of requests that are told as attributes."
    )
    captured_response_headers: Texts = Field(
        default=(), description="Headers of responses that are told as attributes."
    )
    safe_query_params: Texts = Field(
        default=(), description="Parameters of queries whose values are told; those of others are `REDACTED`."
    )
    add_internals: Switch = Field(
        default=False, description="Trace requests to API, dashboard, ping and `/metrics` too."
    )
    otlp: Otlp = Otlp()
