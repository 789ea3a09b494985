"""Traefik 1's annotations, and the options of frontends and backends that they set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Set
from typing import Any

import yaml

from discovery.decoding import values
from discovery.decoding.report import Report
from discovery.decoding.section import Tree

_PREFIXES = ("ingress.kubernetes.io/", "traefik.ingress.kubernetes.io/")

_LABELS = {
    "preserve-host": "traefik.frontend.passHostHeader",
    "pass-tls-cert": "traefik.frontend.passTLSCert",
    "frontend-entry-points": "traefik.frontend.entryPoints",
    "priority": "traefik.frontend.priority",
    "circuit-breaker-expression": "traefik.backend.circuitbreaker",
    "load-balancer-method": "traefik.backend.loadbalancer.method",
    "affinity": "traefik.backend.loadbalancer.stickiness",
    "session-cookie-name": "traefik.backend.loadbalancer.stickiness.cookieName",
    "rule-type": "traefik.frontend.rule.type",
    "redirect-entry-point": "traefik.frontend.redirect.entrypoint",
    "redirect-regex": "traefik.frontend.redirect.regex",
    "redirect-replacement": "traefik.frontend.redirect.replacement",
}
"""The names that some annotations had before."""
_BY_LABEL = {label: name for name, label in _LABELS.items()}

Path = tuple[str, ...]

_HEADERS: Mapping[str, str] = {
    "allowed-hosts": "allowedHosts",
    "browser-xss-filter": "browserXSSFilter",
    "content-security-policy": "contentSecurityPolicy",
    "content-type-nosniff": "contentTypeNosniff",
    "custom-browser-xss-value": "customBrowserXSSValue",
    "custom-frame-options-value": "customFrameOptionsValue",
    "custom-request-headers": "customRequestHeaders",
    "custom-response-headers": "customResponseHeaders",
    "force-hsts": "forceSTSHeader",
    "frame-deny": "frameDeny",
    "hsts-include-subdomains": "STSIncludeSubdomains",
    "hsts-max-age": "STSSeconds",
    "hsts-preload": "STSPreload",
    "is-development": "isDevelopment",
    "proxy-headers": "hostsProxyHeaders",
    "public-key": "publicKey",
    "referrer-policy": "referrerPolicy",
    "ssl-force-host": "SSLForceHost",
    "ssl-host": "SSLHost",
    "ssl-proxy-headers": "SSLProxyHeaders",
    "ssl-redirect": "SSLRedirect",
    "ssl-temporary-redirect": "SSLTemporaryRedirect",
}

_FRONTEND: Mapping[str, Path] = {
    **{name: ("headers", option) for name, option in _HEADERS.items()},
    "pass-tls-cert": ("passTLSCert",),
    "redirect-entry-point": ("redirect", "entryPoint"),
    "redirect-permanent": ("redirect", "permanent"),
    "redirect-regex": ("redirect", "regex"),
    "redirect-replacement": ("redirect", "replacement"),
    "whitelist-source-range": ("whiteList", "sourceRange"),
    "whitelist-x-forwarded-for": ("whiteList", "useXForwardedFor"),
}
_FRONTEND_YAML: Mapping[str, Path] = {
    "error-pages": ("errors",),
    "pass-client-tls-cert": ("passTLSClientCert",),
    "rate-limit": ("rateLimit",),
}
_BACKEND: Mapping[str, Path] = {
    "circuit-breaker-expression": ("circuitBreaker", "expression"),
    "load-balancer-method": ("loadBalancer", "method"),
    "max-conn-amount": ("maxConn", "amount"),
    "max-conn-extractor-func": ("maxConn", "extractorFunc"),
    "responseforwarding-flushinterval": ("responseForwarding", "flushInterval"),
}
_BACKEND_YAML: Mapping[str, Path] = {"buffering": ("buffering",)}
_STICKINESS: Mapping[str, str] = {
    "session-cookie-name": "cookieName",
    "session-http-only": "httpOnly",
    "session-same-site": "sameSite",
    "session-secure": "secure",
}
_AUTH = (
    *("auth-header-field", "auth-realm", "auth-remove-header", "auth-response-headers", "auth-secret"),
    *("auth-tls-insecure", "auth-tls-secret", "auth-trust-headers", "auth-type", "auth-url"),
)
OF_INGRESS = (
    *_FRONTEND,
    *_FRONTEND_YAML,
    *_AUTH,
    *("app-root", "frontend-entry-points", "preserve-host", "priority", "protocol", "request-modifier"),
    *("rewrite-target", "rule-type", "service-weights"),
)
"""The annotations of an Ingress, without prefix."""

GUARDS = (*_AUTH, "rate-limit", "whitelist-source-range", "whitelist-x-forwarded-for", "ssl-redirect")
"""Annotations that decide which requests a route serves. A misspelt one closes the route."""


class V1Annotations:
    """Traefik 1's annotations of one object. `written` gets their full names, by the keys of options."""

    def __init__(self, annotations: Mapping[str, str], written: MutableMapping[str, str]) -> None:
        self._annotations = annotations
        self._written = written
        self._found: dict[str, str] = {}
        for full in annotations:
            name = _name_of(full)
            # As in Traefik 1, the name without a prefix of Traefik counts first, and the older label last.
            if name and (name not in self._found or _rank(full) < _rank(self._found[name])):
                self._found[name] = full

    def written(self, name: str) -> str:
        """Return the full name of an annotation as it is written, or its usual one if it is not there."""
        return self._found.get(name) or _PREFIXES[1] + name

    def text(self, name: str) -> str:
        """Return the value of an annotation, empty if it is not there."""
        full = self._found.get(name)
        return "" if full is None else str(self._annotations[full] or "").strip()

    @property
    def names(self) -> Set[str]:
        """The names of all annotations, without prefix."""
        return self._found.keys()

    def has(self, *names: str) -> bool:
        """Check whether any of these annotations has a value."""
        return any(map(self.text, names))

    def switch(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean; an invalid value counts as the default, as in Traefik 1."""
        try:
            return values.boolean(self.text(name)) if self.has(name) else default
        except ValueError:
            return default

    def note(self, name: str, *path: str) -> None:
        """Note that this annotation sets the option at `path`."""
        if name in self._found:
            self._written[".".join(path).lower()] = self._found[name]

    @property
    def of_traefik(self) -> Iterable[tuple[str, str]]:
        """The names below Traefik's prefix that no annotation of Traefik 3 has, full and without prefix."""
        for name in self._annotations:
            bare = name.removeprefix(_PREFIXES[1])
            if bare != name and not bare.lower().startswith(("router.", "service.")):
                yield name, bare


def _name_of(full: str) -> str:
    for prefix in _PREFIXES:
        if full.startswith(prefix):
            return full.removeprefix(prefix)
    return _BY_LABEL.get(full, "")


def _rank(full: str) -> int:
    return next((rank for rank, prefix in enumerate(_PREFIXES) if full.startswith(prefix)), len(_PREFIXES))


def frontend_tree(annotations: V1Annotations, report: Report) -> Tree | None:
    """Return the options of a frontend but `auth`; report YAML that cannot be read, and return None.

    As in Traefik 1, a redirect needs an entry point, or expression and replacement, and options of a white
    list have no effect without its ranges.
    """
    tree = _tree(annotations, _FRONTEND, "frontend")
    redirect = tree.get("redirect", {})
    if "entryPoint" not in redirect and not {"regex", "replacement"} <= redirect.keys():
        tree.pop("redirect", None)
    if "sourceRange" not in tree.get("whiteList", {}):
        tree.pop("whiteList", None)
    return tree if _add_yaml(tree, annotations, _FRONTEND_YAML, "frontend", report) else None


def backend_tree(annotations: V1Annotations, report: Report) -> Tree:
    """Return the options of a backend; report YAML that cannot be read."""
    tree = _tree(annotations, _BACKEND, "backend")
    if annotations.switch("affinity"):
        stickiness: dict[str, Any] = {}
        for name, option in _STICKINESS.items():
            annotations.note(name, "backend", "loadBalancer", "stickiness", option)
            if annotations.has(name):
                stickiness[option] = annotations.text(name)
        tree.setdefault("loadBalancer", {})["stickiness"] = stickiness or True
    if "extractorFunc" not in tree.get("maxConn", {}) or "amount" not in tree.get("maxConn", {}):
        tree.pop("maxConn", None)
    _add_yaml(tree, annotations, _BACKEND_YAML, "backend", report)
    return tree


def _tree(annotations: V1Annotations, paths: Mapping[str, Path], root: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in sorted(annotations.names & paths.keys()):
        path = paths[name]
        annotations.note(name, root, *path)
        if annotations.has(name):
            node = tree
            for part in path[:-1]:
                node = node.setdefault(part, {})
            node[path[-1]] = annotations.text(name)
    return tree


def _add_yaml(
    tree: dict[str, Any], annotations: V1Annotations, paths: Mapping[str, Path], root: str, report: Report
) -> bool:
    """Add the options that annotations have as YAML text; report texts that are not, and return False."""
    readable = True
    for name, (option,) in paths.items():
        annotations.note(name, root, option)
        if not annotations.has(name):
            continue
        try:
            found = yaml.safe_load(annotations.text(name))
        except yaml.YAMLError as error:
            found = None
            reason = " ".join(str(error).split())
        else:
            reason = "expected options"
        if isinstance(found, Mapping):
            tree[option] = found
        else:
            report.error(f"annotation {annotations.written(name)} is not valid YAML", reason)
            readable = False
    return readable
