"""Detects requests that a browser sends on behalf of another site."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))

JSON_TYPES = ("application/json", "application/merge-patch+json")
"""Content types that a page of another origin can send only after a CORS preflight, which always fails."""


def is_local_name(host: str) -> bool:
    """Return whether a Host header, with or without port, is an IP address or can only mean this machine.

    If only the loopback address protects the API, an attacker's name that resolves to 127.0.0.1 would let the
    attacker's pages read it (DNS rebinding).
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    name = name.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_cross_origin(host: str, origin: str, site: str) -> bool:
    """Return whether a page of another origin sends the request: `Host`, `Origin`, `Sec-Fetch-Site`."""
    if site and site not in ("same-origin", "none"):
        return True
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return True


def is_json(content_type: str) -> bool:
    """Return whether a content type is JSON."""
    return content_type.partition(";")[0].strip().lower() in JSON_TYPES
