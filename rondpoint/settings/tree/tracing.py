"""The settings of traces with OpenTelemetry, with Traefik's names."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.http_values import TextsByName, parse_http_url
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, Switch, Text, Texts, parse_text

_PATH = "/v1/traces"


def _parse_endpoint(value: object) -> str:
    return parse_http_url(value, "http://collector:4318")


def _parse_sample_rate(value: object) -> float:
    try:
        rate = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        rate = -1.0
    if isinstance(value, bool) or not 0 <= rate <= 1:
        raise ValueError("expected a number from 0 to 1, such as 0.1")
    return rate


class OtlpTls(Section):
    ca: OptionalPath = Field(
        default=None,
        description="The file with the CA certificates that verify the collector's certificate; default: the "
        "system's.",
    )
    cert: OptionalPath = Field(
        default=None, description="The file with the client certificate; requires `key`."
    )
    key: OptionalPath = Field(default=None, description="The file with the key of the client certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Do not verify the collector's certificate. For tests only."
    )


class OtlpHttp(Section):
    endpoint: Annotated[str, Parse(_parse_endpoint)] = Field(
        default="https://localhost:4318",
        description=f"The URL of the collector. Without a path, `{_PATH}` is used.",
    )
    headers: TextsByName = Field(
        default_factory=dict, description="The header NAME of requests to the collector."
    )
    tls: OtlpTls = OtlpTls()

    @property
    def url(self) -> str:
        """The URL to which traces are sent."""
        has_path = urlsplit(self.endpoint).path not in ("", "/")
        return self.endpoint if has_path else self.endpoint.rstrip("/") + _PATH


def _parse_host_and_port(value: object) -> str:
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
    """Send traces by gRPC instead of HTTP."""

    endpoint: Annotated[str, Parse(_parse_host_and_port)] = Field(
        default="localhost:4317", description="The collector, as `HOST:PORT`."
    )
    insecure: Switch = Field(default=False, description="Connect without TLS.")
    headers: TextsByName = Field(
        default_factory=dict, description="The header NAME of requests to the collector."
    )
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
    """Trace requests with OpenTelemetry, and pass `traceparent` on (requires `rondpoint[otel]`)."""

    service_name: Text = Field(default="rondpoint", description="The name of this service in traces.")
    resource_attributes: TextsByName = Field(
        default_factory=dict,
        description="The resource attribute NAME. Attributes in `OTEL_RESOURCE_ATTRIBUTES` take precedence.",
    )
    sample_rate: Annotated[float, Parse(_parse_sample_rate)] = Field(
        default=1.0,
        description="The share of requests to trace, 0 to 1, among requests that belong to no trace yet; "
        "other requests are traced if the rest of their trace is.",
    )
    captured_request_headers: Texts = Field(
        default=(), description="Request headers to record as attributes."
    )
    captured_response_headers: Texts = Field(
        default=(), description="Response headers to record as attributes."
    )
    safe_query_params: Texts = Field(
        default=(), description="Query parameters whose values are recorded; values of others are `REDACTED`."
    )
    add_internals: Switch = Field(
        default=False,
        description="Trace requests to API, dashboard, ping and `/metrics` too, also without a router.",
    )
    otlp: Otlp = Otlp()
