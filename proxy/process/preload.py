"""Loads in gunicorn's master, before it forks, what all workers use, so that they share its memory."""

from __future__ import annotations

from importlib import import_module

import gevent
from gevent import monkey

from rondpoint.store.client_library import import_redis

_MODULES = (
    # The worker's own part of the patching imports these.
    "gevent.fileobject",
    "gevent.os",
    "gevent.resolver.thread",
    "gevent.selectors",
    "gevent.signal",
    "gevent.ssl",
    "gevent.subprocess",
    "proxy.runtime",
)


def preload() -> None:
    """Import the modules of a worker, with gevent's functions where they import functions.

    The master itself keeps plain sockets, signals and processes; a worker patches those.
    """
    # gevent keeps, for debuggers, the stack that spawned each greenlet; each connection has one.
    gevent.config.track_greenlet_tree = False
    monkey.patch_all(socket=False, dns=False, ssl=False, os=False, signal=False, subprocess=False)
    import_redis()
    for name in _MODULES:
        import_module(name)
    from proxy.tls.openssl_context import openssl  # noqa: PLC0415 - imports ssl, which is patched by now

    # The first context of a process takes 3 MB, however many follow.
    openssl()
