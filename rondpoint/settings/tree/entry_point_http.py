"""The options of an entry point for all its routers, in Traefik 3's spelling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Texts, parse_count, parse_text, split_address

Scheme = Literal["http", "https"]


def _parse_scheme(value: object) -> str:
    text = str(value).strip().lower()
    if text not in ("http", "https"):
        raise ValueError("expected http or https")
    return text


def _parse_priority(value: object) -> int | None:
    return None if value is None else parse_count(value)


def _parse_target(value: object) -> str:
    text = parse_text(value).strip()
    if not text:
        raise ValueError("expected the name of an entry point, or a port such as :443")
    if text.startswith(":"):
        split_address(text)
    return text


class Redirection(Section):
    """Redirect every request to another entry point, except ACME's HTTP challenges that a router takes."""

    to: Annotated[str, BeforeValidator(_parse_target)] = Field(
        description="Required. The name of an entry point, or a port: `:443`."
    )
    scheme: Annotated[Scheme, BeforeValidator(_parse_scheme)] = Field(
        default="https", description="The scheme of the new URL: `http` or `https`."
    )
    permanent: Switch = Field(
        default=True,
        description="Respond with 301, and with 308 for other methods than `GET`; `false`: 302 and 307.",
    )
    priority: Annotated[int | None, BeforeValidator(_parse_priority)] = Field(
        default=None,
        description="Routers of a higher priority take their requests first; by default no router does.",
    )


class Redirections(Section):
    entry_point: Redirection | None = None


class HttpOptions(Section):
    middlewares: Texts = Field(
        default=(),
        description="Middlewares of all routers of the entry point, before their own: names with a provider, "
        "such as `auth@file`. If one is missing or unusable, the routers respond with 503.",
    )
    redirections: Redirections = Redirections()
