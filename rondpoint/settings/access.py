"""Decides which clients may use the admin entry point."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import ip_address

from rondpoint.settings.tree import ADMIN, Settings


class AdminAccess(Enum):
    """The access that clients have to the admin entry point."""

    OPEN = auto()
    """Full access; only this machine can connect."""

    AUTHENTICATED = auto()
    """Full access with a token or a password."""

    GUARDED = auto()
    """Full access for clients that the entry point itself has authenticated, as Traefik 1 does by `auth`."""

    READ_ONLY = auto()
    """All clients may read; changes are refused."""

    CLOSED = auto()
    """Only `/ping` responds."""


def admin_access(settings: Settings) -> AdminAccess:
    """Return the access that follows from the address of the admin entry point and from `api`."""
    if _has_credentials(settings):
        return AdminAccess.AUTHENTICATED
    if settings.admin.auth is not None:
        return AdminAccess.GUARDED
    if is_loopback(settings.admin.host):
        return AdminAccess.OPEN
    return AdminAccess.READ_ONLY if settings.api.insecure else AdminAccess.CLOSED


def routed_access(settings: Settings) -> AdminAccess:
    """Return the access of clients whose requests a router sends to `api@internal`.

    As in Traefik, the router's middlewares decide who may read. They never allow changes by themselves.
    """
    return AdminAccess.AUTHENTICATED if _has_credentials(settings) else AdminAccess.READ_ONLY


def _has_credentials(settings: Settings) -> bool:
    api = settings.api
    return bool(api.token or api.token_file or api.basic_auth.users or api.basic_auth.users_file)


def access_warning(settings: Settings) -> str:
    """Return the warning to log at start, or an empty text.

    There is no warning if an option that is not served closes the entry point.
    """
    if settings.closed_reason(ADMIN):
        return ""
    address, hint = settings.admin.address, "set api.token or api.basicAuth.users"
    match admin_access(settings):
        case AdminAccess.READ_ONLY:
            return f"every client that can reach {address} may read the API; changes are refused ({hint})"
        case AdminAccess.CLOSED:
            return f"other machines can reach {address}, so it only responds to /ping ({hint})"
    return ""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address with this host."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
