"""The options of an entry point for all its routers, in Traefik 1's spelling.

Values are kept as written: they become options of middlewares, which check them.
"""

from __future__ import annotations

from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Text, Texts, parse_switch


def _parse_switch(value: object) -> bool:
    """Return a boolean; the description of an entry point as one text also accepts `on` and `enable`."""
    return str(value).strip().lower() in ("on", "enable") or parse_switch(value)


SwitchOfV1 = Annotated[bool, Parse(_parse_switch)]


class RedirectOfV1(Section):
    """Traefik 1: redirect requests of all routers."""

    entry_point: Text = Field(default="", description="The name of the entry point to redirect to.")
    regex: Text = Field(default="", description="The regular expression that the URL must match.")
    replacement: Text = Field(default="", description="The new URL, with `$1` for a group of `regex`.")
    permanent: SwitchOfV1 = Field(default=False, description="Respond with 301, and not with 302.")


class UsersOfV1(Section):
    """Traefik 1: require a user name and a password for all routers."""

    users: Texts = Field(default=(), description="Users as `htpasswd` or `htdigest` writes them.")
    users_file: Text = Field(default="", description="A file with such users, one on each line.")
    realm: Text = Field(default="", description="The realm that browsers show.")
    remove_header: SwitchOfV1 = Field(default=False, description="Remove `Authorization` from the request.")


class ForwardTlsOfV1(Section):
    """Traefik 1: TLS options for the authentication server."""

    ca: Text = Field(default="", description="A file with CA certificates.")
    ca_optional: SwitchOfV1 = Field(default=False, description="Has no effect.")
    cert: Text = Field(default="", description="A file with a client certificate.")
    key: Text = Field(default="", description="A file with the key of the client certificate.")
    insecure_skip_verify: SwitchOfV1 = Field(default=False, description="Do not verify the certificate.")


class ForwardOfV1(Section):
    """Traefik 1: ask an authentication server about the requests of all routers."""

    address: Text = Field(default="", description="The URL of the authentication server.")
    trust_forward_header: SwitchOfV1 = Field(default=False, description="Trust the client's `X-Forwarded-*`.")
    auth_response_headers: Texts = Field(
        default=(), description="Headers that are copied from its response to the request."
    )
    tls: ForwardTlsOfV1 | None = None


class AuthOfV1(Section):
    """Traefik 1: authenticate the clients of all routers."""

    basic: UsersOfV1 | None = None
    digest: UsersOfV1 | None = None
    forward: ForwardOfV1 | None = None
    header_field: Text = Field(default="", description="The request header that tells servers the user.")


class WhiteListOfV1(Section):
    """Traefik 1: refuse clients with other addresses on all routers."""

    source_range: Texts = Field(default=(), description="Addresses and networks (CIDR) of allowed clients.")
    use_x_forwarded_for: SwitchOfV1 = Field(
        default=False, description="Check the last address in `X-Forwarded-For`."
    )
