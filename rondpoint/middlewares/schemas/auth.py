"""Schemas of middlewares that authenticate the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rondpoint.middlewares.options import Doubt, Group, Option, Secrecy, kind
from rondpoint.middlewares.password_hashes import doubt_hashes
from rondpoint.middlewares.readers import expression, switch, text, texts, users, web_address, whole
from rondpoint.middlewares.schemas.shared import client_tls


def _user_list_schema(parts: int, doubt: Callable[[Any], Doubt | None] | None = None) -> Group:
    return kind(
        {
            "users": Option(users(parts), secrecy=Secrecy.HIDDEN, doubt=doubt),
            "usersFile": Option(text),
            "realm": Option(text, default="traefik"),
            "removeHeader": Option(switch, default=False),
            "headerField": Option(text, default=""),
        },
        one_of=("users", "usersFile"),
        guards=True,
    )


KINDS: dict[str, Group] = {
    "basicAuth": _user_list_schema(2, doubt_hashes),
    "digestAuth": _user_list_schema(3),
    "forwardAuth": kind(
        {
            "address": Option(web_address, required=True),
            "tls": client_tls(ca_optional=True),
            "trustForwardHeader": Option(switch),
            "authResponseHeaders": Option(texts, default=()),
            "authResponseHeadersRegex": Option(expression, default=""),
            "authRequestHeaders": Option(texts, default=()),
            "addAuthCookiesToResponse": Option(texts, default=()),
            "headerField": Option(text, default=""),
            "forwardBody": Option(switch, default=False),
            "maxBodySize": Option(whole, default=-1),
            "maxResponseBodySize": Option(whole),
            "preserveLocationHeader": Option(switch, default=False),
            "preserveRequestMethod": Option(switch, default=False),
            "authSigninURL": Option(text, default=""),
        },
        guards=True,
    ),
}
