"""Schemas of middlewares that change headers and bodies."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, Secrecy, kind
from rondpoint.middlewares.readers import (
    amount,
    anything,
    expressions,
    given_text,
    headers,
    status_by_name,
    statuses,
    switch,
    text,
    text_by_name,
    texts,
)

_OFF = Option(switch, default=False)
_NO_TEXT = Option(text, default="")
_NO_TEXTS = Option(texts, default=())

_CROSS_ORIGIN = {
    "accessControlAllowCredentials": _OFF,
    "accessControlAllowHeaders": _NO_TEXTS,
    "accessControlAllowMethods": _NO_TEXTS,
    "accessControlAllowOriginList": _NO_TEXTS,
    "accessControlAllowOriginListRegex": Option(expressions, default=()),
    "accessControlExposeHeaders": _NO_TEXTS,
    "accessControlMaxAge": Option(amount),
    "addVaryHeader": _OFF,
}

_SECURITY = {
    "allowedHosts": _NO_TEXTS,
    "hostsProxyHeaders": _NO_TEXTS,
    "sslProxyHeaders": Option(text_by_name, default={}),
    "stsSeconds": Option(amount),
    "stsIncludeSubdomains": _OFF,
    "stsPreload": _OFF,
    "forceSTSHeader": _OFF,
    "frameDeny": _OFF,
    "customFrameOptionsValue": _NO_TEXT,
    "contentTypeNosniff": _OFF,
    "browserXssFilter": _OFF,
    "customBrowserXSSValue": _NO_TEXT,
    "contentSecurityPolicy": _NO_TEXT,
    "contentSecurityPolicyReportOnly": _NO_TEXT,
    "publicKey": _NO_TEXT,
    "referrerPolicy": _NO_TEXT,
    "permissionsPolicy": _NO_TEXT,
    "isDevelopment": _OFF,
    "featurePolicy": Option(text),
    "sslRedirect": Option(switch),
    "sslTemporaryRedirect": Option(switch),
    "sslHost": Option(text),
    "sslForceHost": Option(switch),
}

_CUSTOM = Option(headers, default={}, secrecy=Secrecy.HEADERS)

KINDS: dict[str, Group] = {
    "compress": kind(
        {
            "excludedContentTypes": _NO_TEXTS,
            "includedContentTypes": _NO_TEXTS,
            "minResponseBodyBytes": Option(amount, default=1024),
            "encodings": Option(texts, default=("gzip", "br", "zstd")),
            "defaultEncoding": _NO_TEXT,
        },
        may_be_bare=True,
    ),
    "contentType": kind({"autoDetect": Option(switch)}, may_be_bare=True),
    "errors": kind(
        {
            "status": Option(statuses, required=True),
            "statusRewrites": Option(status_by_name, default={}),
            "service": Option(given_text, required=True, refers=True),
            "query": _NO_TEXT,
            "errorRequestHeaders": Option(texts),
        }
    ),
    "grpcWeb": kind({"allowOrigins": _NO_TEXTS}),
    "headers": kind(
        {"customRequestHeaders": _CUSTOM, "customResponseHeaders": _CUSTOM, **_CROSS_ORIGIN, **_SECURITY},
        guards=True,
    ),
    "plugin": kind({"*": Option(anything, secrecy=Secrecy.HIDDEN)}),
}
