"""Who may use the admin entry point."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import ip_address

from rondpoint.settings.tree import ADMIN, Settings


class Access(Enum):
    """`OPEN` to this machine, which alone reaches it; `GUARDED` by token or password; `READABLE` by all,
    while changes are refused; `CLOSED` but for `/ping`.
    """

    OPEN = auto()
    GUARDED = auto()
    READABLE = auto()
    CLOSED = auto()


def access(settings: Settings) -> Access:
    """What follows from where the admin entry point listens, and from `api`."""
    api = settings.api
    if api.token or api.token_file or api.basic_auth.users or api.basic_auth.users_file:
        return Access.GUARDED
    if is_loopback(settings.admin.host):
        return Access.OPEN
    return Access.READABLE if api.insecure else Access.CLOSED


def access_warning(settings: Settings) -> str:
    """What to say of it at start; empty where there is nothing to say, or it is closed in any case."""
    if settings.why_closed(ADMIN):
        return ""
    where, hint = settings.admin.address, "set api.token or api.basicAuth.users"
    match access(settings):
        case Access.READABLE:
            return f"everybody who reaches {where} may read the API there; changes are refused ({hint})"
        case Access.CLOSED:
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
