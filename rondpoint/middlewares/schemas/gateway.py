"""Schemas of the filters of Kubernetes' Gateway API; Traefik 3 has them for that provider only."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, Secrecy, kind
from rondpoint.middlewares.readers import (
    given_text,
    headers,
    optional_port,
    redirection_status,
    scheme,
    seconds,
    text,
    texts,
)

_HEADERS = Option(headers, default={}, secrecy=Secrecy.HEADERS)
_MODIFIER = kind(
    {"set": _HEADERS, "add": _HEADERS, "remove": Option(texts, default=())}, one_of=("set", "add", "remove")
)
_HOSTNAME, _PATH, _PATH_PREFIX = Option(given_text), Option(text), Option(given_text)

KINDS: dict[str, Group] = {
    "requestHeaderModifier": _MODIFIER,
    "requestRedirect": kind(
        {
            "scheme": Option(scheme),
            "hostname": _HOSTNAME,
            "port": Option(optional_port),
            "path": _PATH,
            "pathPrefix": _PATH_PREFIX,
            "statusCode": Option(redirection_status, default=302),
        },
        guards=True,
    ),
    "responseHeaderModifier": _MODIFIER,
    "timeouts": kind(
        {"request": Option(seconds, default=0.0), "backendRequest": Option(seconds, default=0.0)},
        one_of=("request", "backendRequest"),
    ),
    "urlRewrite": kind(
        {"hostname": _HOSTNAME, "path": _PATH, "pathPrefix": _PATH_PREFIX}, one_of=("hostname", "path")
    ),
}
