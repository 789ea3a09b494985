"""The options of an entry point for all its routers, in Traefik 3's spelling."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section, as_dict, setting_key
from rondpoint.settings.values import (
    Domains,
    NonNegativeInt,
    Switch,
    Text,
    Texts,
    parse_count,
    parse_text,
    split_address,
)

Scheme = Literal["http", "https"]

Strategy = Literal["keep", "delete", "reject"]
"""How to handle request headers with underscores in their names, in Traefik 3's words."""


def _parse_scheme(value: object) -> str:
    text = str(value).strip().lower()
    if text not in ("http", "https"):
        raise ValueError("expected http or https")
    return text


def _parse_strategy(value: object) -> str:
    text = parse_text(value).strip().lower() or "keep"
    if text not in get_args(Strategy):
        raise ValueError("expected one of " + ", ".join(get_args(Strategy)))
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

    to: Annotated[str, Parse(_parse_target)] = Field(
        description="Required. The name of an entry point, or a port: `:443`."
    )
    scheme: Annotated[Scheme, Parse(_parse_scheme)] = Field(
        default="https", description="The scheme of the new URL: `http` or `https`."
    )
    permanent: Switch = Field(
        default=True,
        description="Respond with 301, and with 308 for other methods than `GET`; `false`: 302 and 307.",
    )
    priority: Annotated[int | None, Parse(_parse_priority)] = Field(
        default=None,
        description="Routers of a higher priority take their requests first; by default no router does.",
    )


class Redirections(Section):
    entry_point: Redirection | None = None


class EncodedCharacters(Section):
    """Which encoded characters the paths of requests may have; a request with another one gets a 400."""

    allow_encoded_slash: Switch = Field(default=True, description="Allow `%2F` in paths.")
    allow_encoded_back_slash: Switch = Field(default=True, description="Allow `%5C` in paths.")
    allow_encoded_null_character: Switch = Field(default=True, description="Allow `%00` in paths.")
    allow_encoded_semicolon: Switch = Field(default=True, description="Allow `%3B` in paths.")
    allow_encoded_percent: Switch = Field(default=True, description="Allow `%25` in paths.")
    allow_encoded_question_mark: Switch = Field(default=True, description="Allow `%3F` in paths.")
    allow_encoded_hash: Switch = Field(default=True, description="Allow `%23` in paths.")

    @property
    def refuses_some(self) -> bool:
        """Whether a character is not allowed."""
        return not all(self.by_option.values())

    @property
    def by_option(self) -> dict[str, bool]:
        """Whether each character is allowed, by the key of its option."""
        return {setting_key(field): allowed for field, allowed in as_dict(self).items()}


class HttpTls(Section):
    """TLS for all routers of the entry point, in Traefik 3's spelling; the same as `tls`."""

    options: Text = Field(
        default="",
        description="The TLS options of routers that have no `tls` of their own, such as `strict@file`. A "
        "name without a provider is in the router's provider.",
    )
    cert_resolver: Text = Field(
        default="",
        description="The [certificates resolver](../certificates.md#resolvers) of routers that have no `tls` "
        "of their own.",
    )
    domains: Domains = Field(
        default=(),
        description="The names to obtain certificates for, in place of the hosts in those routers' rules: "
        "tables with `main` and `sans`; as flags `domains[0].main` and `domains[0].sans`.",
    )


class HttpOptions(Section):
    middlewares: Texts = Field(
        default=(),
        description="Middlewares of all routers of the entry point, before their own: names with a provider, "
        "such as `auth@file`. A name without one means that of the router's provider. If one is missing or "
        "unusable, the routers respond with 503.",
    )
    redirections: Redirections = Redirections()
    tls: HttpTls | None = None
    sanitize_path: Switch = Field(
        default=True,
        description="Remove `/./`, `/../` and empty segments from the paths of requests, before rules, "
        "middlewares and servers see them. With `false`, servers get paths as sent, and a path that leads to "
        "another router with these segments than without them gets a 400.",
    )
    encode_query_semicolons: Switch = Field(
        default=False,
        description="Write `;` in the queries of requests as `%3B`, before rules, middlewares and servers "
        "see them. With `false`, rules read `;` as a separator, and servers get it as sent.",
    )
    max_header_bytes: NonNegativeInt = Field(
        default=0,
        description="Maximum bytes of a request head, with the request line; 0 for `limits.headBytes`. "
        "Larger ones get a 431.",
    )
    encoded_characters: EncodedCharacters = EncodedCharacters()
    underscore_headers_strategy: Annotated[Strategy, Parse(_parse_strategy)] = Field(
        default="keep",
        description="Traefik's spelling of `headersWithUnderscores`: `keep`, `delete` or `reject`. It has no "
        "effect if `headersWithUnderscores` is `drop` or `reject`.",
    )
