"""Who may use the admin entry point."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import ip_address

from rondpoint.settings.tree import ADMIN, Settings


class AdminAccess(Enum):
    """`OPEN` to this machine, which alone reaches it; `AUTHENTICATED` by token or password; `READ_ONLY` by all,
    while changes are refused; `CLOSED` but for `/ping`.
    """

    OPEN = auto()
    AUTHENTICATED = auto()
    READ_ONLY = auto()
    CLOSED = auto()


def admin_access(settings: Settings) -> AdminAccess:
    """What follows from where the admin entry point listens, and from `api`."""
    api = settings.api
    if api.token or api.token_file or api.basic_auth.users or api.basic_auth.users_file:
        return AdminAccess.AUTHENTICATED
    if is_loopback(settings.admin.host):
        return AdminAccess.OPEN
    return AdminAccess.READ_ONLY if api.insecure else AdminAccess.CLOSED


def access_warning(settings: Settings) -> str:
    """What to say of it at start; empty where there is nothing to say, or it is closed in any case."""
    if settings.closed_reason(ADMIN):
        return ""
    where, hint = settings.admin.address, "set api.token or api.basicAuth.users"
    match admin_access(settings):
        case AdminAccess.READ_ONLY:
            return f"everybody who reaches {where} may read the API there; changes are refused ({hint})"
        case AdminAccess.CLOSED:
            return f"{where} can be reached from elsewhere, so that only /ping is answered there ({hint})"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host to listen on is this machine's alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
