"""Decodes Middlewares: options as in dynamic files, but secrets and services in place of users and names.

A middleware that cannot be read stays in the configuration as an unusable one, so its routers respond 503.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section, Tree
from discovery.dynamic.middlewares import decode_middleware
from discovery.providers.kubernetes.secrets import ContentsFault, read_users, replace_secret_urns
from discovery.providers.kubernetes_crd.client_tls import read_client_tls
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from discovery.providers.kubernetes_crd.references import read_references
from discovery.providers.kubernetes_crd.services import read_service
from rondpoint.middlewares.schemas import CANONICAL
from rondpoint.model import Middleware, Service

_EFFECT = "routers that use the middleware respond with 503"


class _Options(Struct, frozen=True):
    """The options of a middleware in the format of dynamic files, and the service that they define."""

    tree: object
    services: tuple[Service, ...] = ()


def decode_middleware_resource(manifest: Manifest) -> Decoded:
    """Decode a Middleware, and the service of an errors middleware."""
    spec, report = manifest.spec, manifest.report
    bare = object_name(manifest.namespace, manifest.name)
    name = qualify(bare, PROVIDER)
    services: tuple[Service, ...] = ()
    with report.about("middleware", name):
        written = spec.names[0] if len(spec.names) == 1 else ""
        translate = _TRANSLATIONS.get(written)
        section = spec.section(written) if translate is not None else None
        if translate is None:
            middleware = decode_middleware(bare, spec, PROVIDER)
        elif section is None or (options := translate(section, manifest)) is None:
            middleware = Middleware(name, CANONICAL[written.lower()], unusable=True)
        else:
            tree = Section({written: options.tree}, spec.path, report)
            middleware = decode_middleware(bare, tree, PROVIDER)
            services = options.services
    return Decoded(
        manifest.subject,
        services=services,
        middlewares=() if middleware is None else (middleware,),
        diagnostics=report.diagnostics,
        origins=manifest.origins,
        keys={f"middlewares.{name}": "spec", **{f"services.{each.name}": "spec" for each in services}},
    )


def _users(section: Section, manifest: Manifest, *, may_be_pair: bool = False) -> _Options | None:
    tree = _without(section, "secret")
    for option in ("users", "usersFile"):
        if tree.get(option) is not None:
            # The file would be one of the agent, which authors of custom resources may not read.
            at = section.report.at(section.key(option))
            section.report.error(
                f"{at} is unknown, so {_EFFECT}", "put the users into a secret, and set secret"
            )
            return None
    secret = section.read("secret", values.text, "")
    if not secret:
        if not section.has("secret"):
            section.report.error(f"{section.report.at(section.key('secret'))} is missing, so {_EFFECT}")
        return None
    try:
        return _Options({**tree, "users": read_users(secret, manifest, may_be_pair=may_be_pair)})
    except ContentsFault as fault:
        fault.report(section, "secret", _EFFECT)
        return None


def _basic_auth(section: Section, manifest: Manifest) -> _Options | None:
    return _users(section, manifest, may_be_pair=True)


def _forward_auth(section: Section, manifest: Manifest) -> _Options | None:
    tree = _without(section, "tls")
    tls = section.section("tls")
    if tls is None:
        return None if section.has("tls") else _Options(tree)
    client_tls = read_client_tls(tls, manifest, _EFFECT)
    return None if client_tls is None else _Options({**tree, "tls": client_tls})


def _errors(section: Section, manifest: Manifest) -> _Options | None:
    reference = section.section("service")
    if reference is None:
        if not section.has("service"):
            section.report.error(f"{section.report.at(section.key('service'))} is missing, so {_EFFECT}")
        return None
    name = f"{object_name(manifest.namespace, manifest.name)}-errorpage-service"
    service = read_service(reference, manifest, name)
    if service is None:
        section.report.error(f"{section.report.at(section.key('service'))} cannot be used, so {_EFFECT}")
        return None
    tree = {**_without(section, "service"), "service": service.name}
    return _Options(tree, () if service.service is None else (service.service,))


def _chain(section: Section, manifest: Manifest) -> _Options | None:
    names = read_references(section, "middlewares", manifest)
    if names is None:
        section.report.error(f"{section.report.at(section.key('middlewares'))} cannot be used, so {_EFFECT}")
        return None
    return _Options({**_without(section, "middlewares"), "middlewares": list(names)})


def _rate_limit(section: Section, manifest: Manifest) -> _Options | None:
    tree = _without(section, "redis")
    if section.raw("redis"):
        at = section.report.at(section.key("redis"))
        section.report.note(f"{at} has no effect", "all proxies share their limits through Rondpoint's store")
    return _Options(tree)


def _plugin(section: Section, manifest: Manifest) -> _Options | None:
    try:
        return _Options(replace_secret_urns(_without(section), manifest))
    except ContentsFault as fault:
        section.report.error(f"{section.report.at(section.path)}: {fault}, so {_EFFECT}", fault.hint)
        return None


def _without(section: Section, *options: str) -> Tree:
    return {name: section.raw(name) for name in section.names if name not in options}


_TRANSLATIONS: Mapping[str, Callable[[Section, Manifest], _Options | None]] = {
    "basicAuth": _basic_auth,
    "chain": _chain,
    "digestAuth": _users,
    "errors": _errors,
    "forwardAuth": _forward_auth,
    "plugin": _plugin,
    "rateLimit": _rate_limit,
}
"""The kinds whose options differ from those in dynamic files."""
