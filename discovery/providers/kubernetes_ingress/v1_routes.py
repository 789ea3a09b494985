"""Decodes what Traefik 1's annotations of an Ingress say about its routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section, Tree
from discovery.dynamic.routers import parse_rule
from discovery.dynamic.v1.backend import read_backend_middlewares
from discovery.dynamic.v1.frontend import KeyedMiddleware, read_middlewares
from discovery.dynamic.v1.modifiers import modifier_middlewares
from discovery.providers.kubernetes_ingress.ingress import Ingress
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.v1_annotations import (
    GUARDS,
    OF_INGRESS,
    V1Annotations,
    frontend_tree,
)
from discovery.providers.kubernetes_ingress.v1_auth import read_auth
from discovery.providers.kubernetes_ingress.v1_rules import RULE_ANNOTATIONS, v1_rule
from discovery.providers.kubernetes_ingress.v1_weights import read_weights
from rondpoint.model import Middleware, Router, Scheme
from rondpoint.rules.suggestions import did_you_mean, find_nearest
from rondpoint.rules.v1 import ParsedRule, read

_OF_SERVICES = (
    *("affinity", "buffering", "circuit-breaker-expression", "load-balancer-method", "max-conn-amount"),
    *("max-conn-extractor-func", "responseforwarding-flushinterval", "session-cookie-name"),
    *("session-http-only", "session-same-site", "session-secure"),
)
"""Annotations that belong on a Service, for the hint at an Ingress that has them."""


class V1Options(Struct, frozen=True):
    """Traefik 1's options of all routes of an Ingress; `frontend` has those that become middlewares."""

    annotations: V1Annotations
    frontend: Tree
    scheme: Scheme | None = None
    weights: Mapping[str, float] | None = None

    @property
    def router_options(self) -> Tree:
        """The options that a router of Traefik 3 has as well, by their names there."""
        found = {"entryPoints": "frontend-entry-points", "priority": "priority"}
        return {
            option: self.annotations.text(name)
            for option, name in found.items()
            if self.annotations.has(name)
        }


def read_v1_options(ingress: Ingress) -> V1Options | None:
    """Return the options; report those that cannot be used and guard the routes, and return None."""
    annotations = V1Annotations(ingress.annotations, ingress.written)
    report = ingress.report
    usable = _report_unknown(annotations, ingress)
    frontend = frontend_tree(annotations, report)
    auth = read_auth(annotations, ingress)
    scheme: Scheme | None = None
    if annotations.has("protocol"):
        try:
            scheme = values.scheme(annotations.text("protocol"))
        except ValueError as error:
            report.error(f"annotation {annotations.written('protocol')} is not valid", str(error))
            usable = False
    weights = None
    if annotations.has("service-weights"):
        try:
            weights = read_weights(annotations)
        except ValueError as error:
            report.error(f"{error}, so its routes are left out")
            usable = False
    if frontend is None or auth is None or not usable:
        return None
    return V1Options(annotations, {**frontend, **({"auth": auth} if auth else {})}, scheme, weights)


def read_v1_rule(
    options: V1Options, host: str, path: str, matcher: str, at: str, ingress: Ingress
) -> ParsedRule | None:
    """Return Traefik 1's rule of a path; report an invalid one and return None."""
    try:
        text = v1_rule(host, path, matcher, options.annotations)
    except ValueError as error:
        ingress.report.error(f"{at} is left out: {error}")
        return None
    return parse_rule(text, at, ingress.report, read)


def has_v1_rule(options: V1Options) -> bool:
    """Check whether annotations change the rule of a path."""
    return options.annotations.has(*RULE_ANNOTATIONS)


def with_v1_options(
    router: Router,
    rule: ParsedRule | None,
    base: str,
    path: str,
    options: V1Options,
    backend: Section,
    backend_name: Callable[[str], str],
    ingress: Ingress,
) -> tuple[Router, tuple[KeyedMiddleware, ...]]:
    """Return the router with Traefik 1's options, and the middlewares that they become.

    `base` is the host and path of the route, and `backend_name` gives the service for another such base, by
    which Traefik 1 names backends.
    """
    tree = {**options.frontend, **_app_root(base, path, options)}
    section = Section(tree, "frontend", ingress.report)
    found = [*read_middlewares(section, router.name, backend_name)]
    section.finish()
    found += read_backend_middlewares(backend, router.name, backend_name)
    if rule is not None:
        changes = modifier_middlewares(router.name, rule.modifiers)
        found += [(_modifier_key(options), each) for each in changes]
        router = replace(router, rule=rule.rule, priority=_priority(router, rule))
    names = tuple(middleware.name for _, middleware in found)
    pass_host = options.annotations.switch("preserve-host", default=ingress.policy.pass_host_header)
    return replace(router, middlewares=(*router.middlewares, *names), pass_host_header=pass_host), tuple(
        found
    )


def backend_naming(bases: Mapping[str, str]) -> Callable[[str], str]:
    """Return what gives the qualified service for a backend's name, by the bases of an Ingress's paths."""
    return lambda name: bases.get(name) or qualify(name, PROVIDER)


def middlewares_of(found: tuple[KeyedMiddleware, ...]) -> tuple[Middleware, ...]:
    return tuple(middleware for _, middleware in found)


def _priority(router: Router, rule: ParsedRule) -> int:
    """Return the priority that the author gave, or the length of the rule."""
    own = len(router.rule.text.encode())
    return len(rule.rule.text.encode()) if router.priority == own else router.priority


def _modifier_key(options: V1Options) -> str:
    annotations = options.annotations
    return annotations.written(next(name for name in RULE_ANNOTATIONS if annotations.has(name)))


def _app_root(base: str, path: str, options: V1Options) -> Tree:
    """Return the redirect from the root of a host, which takes the place of another redirect there."""
    annotations = options.annotations
    root = annotations.text("app-root")
    if not root or path not in ("", "/"):
        return {}
    annotations.note("app-root", "frontend", "redirect", "regex")
    return {
        "redirect": {
            "regex": f"{re.escape(base)}{'' if path else '/'}$",
            "replacement": f"{base.rstrip('/')}/{root.lstrip('/')}",
            "permanent": annotations.switch("redirect-permanent"),
        }
    }


def _report_unknown(annotations: V1Annotations, ingress: Ingress) -> bool:
    """Report annotations that no Ingress has; return False if one may be meant to guard its routes."""
    usable = True
    report = ingress.report
    for written, name in annotations.of_traefik:
        if name in OF_INGRESS:
            continue
        if name in _OF_SERVICES:
            report.warning(f"annotation {written} has no effect on an Ingress", "put it on the Service")
        elif find_nearest(name, OF_INGRESS) in GUARDS:
            hint = did_you_mean(name, OF_INGRESS)
            report.error(f"annotation {written} may be meant to protect its routes, which are left out", hint)
            usable = False
        else:
            report.warning(f"annotation {written} is unknown", did_you_mean(name, (*OF_INGRESS, "router.…")))
    return usable
