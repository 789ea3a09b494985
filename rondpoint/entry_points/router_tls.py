"""The TLS options that a router names on an entry point: its own, or those of the entry point."""

from __future__ import annotations

from rondpoint.model import Router
from rondpoint.tls.model import DEFAULT_OPTIONS


def named_options(router: Router, for_all: str) -> str:
    """Return the qualified name of the options that a router names on an entry point with TLS.

    `for_all` are those of the entry point for routers without `tls` of their own. Their name may lack the
    provider: it is the router's then.
    """
    name = router.tls_options if router.tls else for_all
    if name in ("", DEFAULT_OPTIONS):
        return DEFAULT_OPTIONS
    return name if "@" in name else f"{name}@{router.name.rpartition('@')[2]}"
