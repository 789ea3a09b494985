"""Whether a browser sends a request on behalf of another site."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))

JSON_TYPES = ("application/json", "application/merge-patch+json")
"""What a page of another site cannot send without asking first, which is never granted."""


def is_local_name(host: str) -> bool:
    """Whether a Host header, with or without port, can only mean this machine, or is an address.

    Where the address alone protects, a name of somebody's own that resolves to 127.0.0.1 would let his pages
    read what is served there.
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
    """From `Host`, `Origin` and `Sec-Fetch-Site`: whether a page of another site has it sent."""
    if site and site not in ("same-origin", "none"):
        return True
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return True


def is_json(content_type: str) -> bool:
    """Whether a body is declared as JSON."""
    return content_type.partition(";")[0].strip().lower() in JSON_TYPES
