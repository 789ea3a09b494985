"""Reads Traefik 1's annotations for authentication: users in secrets, or an external service."""

from __future__ import annotations

from typing import Any

from discovery.decoding.section import Tree
from discovery.providers.kubernetes.client_certificates import read_client_certificate
from discovery.providers.kubernetes.secrets import ContentsFault, read_users
from discovery.providers.kubernetes_ingress.ingress import Ingress
from discovery.providers.kubernetes_ingress.v1_annotations import V1Annotations

_REALM = "traefik"


def read_auth(annotations: V1Annotations, ingress: Ingress) -> Tree | None:
    """Return the options below `auth` of a frontend, empty without authentication.

    Report what keeps it from working, and return None: the routes must be left out then.
    """
    kind = annotations.text("auth-type").lower()
    realm = annotations.text("auth-realm")
    if realm not in ("", _REALM):
        at = annotations.written("auth-realm")
        return _refuse(ingress, at, f"is {realm!r}", f"expected {_REALM}, as in Traefik 1")
    if not kind:
        given = [name for name in ("auth-secret", "auth-url") if annotations.has(name)]
        if given:
            at = annotations.written(given[0])
            return _refuse(ingress, at, "has no auth-type with it", "expected basic, digest or forward")
        return {}
    if kind in ("basic", "digest"):
        options = _users(annotations, ingress)
    elif kind == "forward":
        options = _forward(annotations, ingress)
    else:
        at = annotations.written("auth-type")
        return _refuse(ingress, at, f"is {kind!r}", "expected basic, digest or forward")
    if options is None:
        return None
    annotations.note("auth-header-field", "frontend", "auth", "headerField")
    if annotations.has("auth-header-field"):
        return {kind: options, "headerField": annotations.text("auth-header-field")}
    return {kind: options}


def _users(annotations: V1Annotations, ingress: Ingress) -> Tree | None:
    secret = annotations.text("auth-secret")
    if not secret:
        at = annotations.written("auth-type")
        return _refuse(ingress, at, "has no auth-secret with it", "name a secret with the users")
    try:
        users = read_users(secret, ingress, may_be_pair=False)
    except ContentsFault as fault:
        return _refuse(ingress, annotations.written("auth-secret"), f"cannot be used: {fault}", fault.hint)
    return {"users": users, "removeHeader": annotations.switch("auth-remove-header")}


def _forward(annotations: V1Annotations, ingress: Ingress) -> Tree | None:
    address = annotations.text("auth-url")
    if not address:
        at = annotations.written("auth-type")
        return _refuse(ingress, at, "has no auth-url with it", "set the address that decides")
    tls: dict[str, Any] = {}
    if annotations.has("auth-tls-insecure"):
        tls["insecureSkipVerify"] = annotations.switch("auth-tls-insecure")
    if annotations.has("auth-tls-secret"):
        try:
            found = read_client_certificate(annotations.text("auth-tls-secret"), ingress, ingress.seal)
        except ContentsFault as fault:
            at = annotations.written("auth-tls-secret")
            return _refuse(ingress, at, f"cannot be used: {fault}", fault.hint)
        tls |= {"cert": found.cert_file, "key": found.key_file}
    options: dict[str, Any] = {
        "address": address,
        "trustForwardHeader": annotations.switch("auth-trust-headers"),
    }
    if annotations.has("auth-response-headers"):
        options["authResponseHeaders"] = annotations.text("auth-response-headers")
    if tls:
        options["tls"] = tls
    return options


def _refuse(ingress: Ingress, annotation: str, reason: str, hint: str) -> Tree | None:
    """Report why the routes are left out, and return None."""
    ingress.report.error(f"annotation {annotation} {reason}, so its routes are left out", hint)
    return None
