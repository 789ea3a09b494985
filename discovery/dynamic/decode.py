"""Decodes a dynamic file in both dialects, Traefik 1's and Traefik 3's; one file may hold both."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Tree
from discovery.dynamic import v3
from discovery.dynamic.v1 import tree as v1
from discovery.dynamic.v1.certificates import split_tls
from rondpoint.rules.suggestions import did_you_mean

_V3 = ("http", "tcp", "udp", "tls")
_V1 = ("backends", "frontends", "tls")
_STATIC = (
    *("accesslog", "acme", "api", "certificatesresolvers", "constraints", "consul", "consulcatalog"),
    *("debug", "defaultentrypoints", "docker", "entrypoints", "experimental", "file", "forwardingtimeouts"),
    *(
        "global",
        "healthcheck",
        "hostresolver",
        "insecureskipverify",
        "lifecycle",
        "limits",
        "log",
        "loglevel",
    ),
    *("maxidleconnsperhost", "metrics", "ping", "providers", "providersthrottleduration", "redis"),
    *("registrator", "respondingtimeouts", "rest", "retry", "serverstransport", "statedirectory"),
    *("traefiklog", "tracing", "web", "workers", "zookeeper"),
)


def is_dynamic(tree: Tree) -> bool:
    """Check whether a tree has dynamic sections, such as routers and services, and no static settings."""
    names = {name.lower() for name in tree}
    return not names.isdisjoint((*_V3, *_V1)) and names.isdisjoint(_STATIC)


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Return the objects and diagnostics of one file, which diagnostics call `subject`."""
    report = Report(provider, subject)
    static = []
    for name in tree:
        if name.lower() in _STATIC:
            static.append(name)
        elif name.lower() not in (*_V3, *_V1):
            report.warning(f"{name} is unknown", did_you_mean(name, (*_V3, *_V1)))
    if static:
        report.note(f"{', '.join(static)}: static settings are not read from a dynamic file")
    parts = _split(tree)
    new, old = v3.decode(parts.new, provider, subject), v1.decode(parts.old, provider, subject)
    return replace(
        new,
        subject=subject,
        routers=new.routers + old.routers,
        services=new.services + old.services,
        middlewares=new.middlewares + old.middlewares,
        diagnostics=report.diagnostics + new.diagnostics + old.diagnostics,
        keys={**old.keys, **new.keys},
        pairs=new.pairs + old.pairs,
    )


class _Dialects(NamedTuple):
    """The parts of a tree in Traefik 3's dialect and in Traefik 1's; both have a section `tls`."""

    new: Tree
    old: Tree


def _split(tree: Tree) -> _Dialects:
    new = {name: tree[name] for name in tree if name.lower() in _V3}
    old = {name: tree[name] for name in tree if name.lower() in _V1}
    for name in [name for name in new if name.lower() == "tls"]:
        for part, tls in zip((old, new), split_tls(new[name]), strict=True):
            if tls is None:
                del part[name]
            else:
                part[name] = tls
    return _Dialects(new, old)
