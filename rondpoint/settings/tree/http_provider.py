"""The settings of the HTTP provider."""

from __future__ import annotations

from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.http_values import HeadersByName, parse_http_url, public_url
from rondpoint.settings.tree.client_tls import ClientTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Integer, Seconds, parse_duration


def _parse_endpoint(value: object) -> str:
    return parse_http_url(value, "http://config.test/routes.yml")


def _parse_interval(value: object) -> float:
    seconds = parse_duration(value)
    if not seconds:
        raise ValueError("expected a duration above 0, such as 5s")
    return seconds


class HttpProviderOptions(Section):
    """Fetch routes from a URL, again and again."""

    endpoint: Annotated[str, Parse(_parse_endpoint)] = Field(
        default="", description="The URL of a dynamic configuration in YAML or JSON. Required."
    )
    poll_interval: Annotated[float, Parse(_parse_interval)] = Field(
        default=5.0, description="The interval of the requests; at least 100ms is used."
    )
    poll_timeout: Seconds = Field(
        default=5.0, description="The time limit of a request, redirects and body included; 0 for none."
    )
    headers: HeadersByName = Field(default_factory=dict, description="The header NAME of the requests.")
    tls: ClientTls | None = None
    max_response_body_size: Integer = Field(
        default=-1,
        description="The largest body in bytes, after decompression; a negative number for no limit.",
    )

    @property
    def endpoint_name(self) -> str:
        """The endpoint as messages name it, without credentials and query."""
        return f"endpoint {public_url(self.endpoint)}"
