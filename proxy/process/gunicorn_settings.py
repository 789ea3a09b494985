"""Translates Rondpoint's settings to gunicorn's, each time gunicorn reads its configuration."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from gunicorn.glogging import Logger

from proxy.process.current_settings import current_settings, read_settings
from proxy.process.listening import bind_addresses
from proxy.process.udp_sockets import UDP_SOCKETS
from proxy.telemetry.instance import INSTANCE
from proxy.telemetry.tracing.dependencies import MISSING, packages_installed
from rondpoint import logs
from rondpoint.settings import LogLevel
from rondpoint.settings.access import access_warning

# At debug level gunicorn prints its whole configuration, which is not what the user configured.
_LEVELS = {
    LogLevel.TRACE: "info",
    LogLevel.DEBUG: "info",
    LogLevel.INFO: "info",
    LogLevel.WARN: "warning",
    LogLevel.ERROR: "error",
    LogLevel.FATAL: "critical",
    LogLevel.PANIC: "critical",
}

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

    from proxy.process.deferred_application import DeferredApplication

log = logging.getLogger(__name__)


class GunicornLog(Logger):
    """gunicorn's logger, which writes to Rondpoint's log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def reopen_files(self) -> None:
        super().reopen_files()
        logs.reopen()


def gunicorn_settings() -> dict[str, Any]:
    """Return a value for each gunicorn setting that Rondpoint controls; flags come from RONDPOINT_FLAGS.

    Raises SettingsError like `read_settings`.
    """
    settings = read_settings()
    logs.configure(settings.log)
    # The import in the master creates the name, so that all workers share it.
    log.debug("the name of this instance is %s", INSTANCE)
    if settings.tracing is not None and not packages_installed():
        log.error("%s", MISSING)
    return {
        "bind": bind_addresses(settings),
        "workers": settings.workers,
        "worker_class": "proxy.process.worker.ProxyWorker",
        "worker_connections": settings.limits.connections,
        "wsgi_app": "proxy.command:admin_application()",
        "max_requests": settings.limits.requests_per_worker,
        # So that workers that started together do not end together.
        "max_requests_jitter": settings.limits.requests_per_worker // 10,
        # Workers observe these times themselves. The master kills them up to two seconds later.
        "graceful_timeout": math.ceil(settings.accept_grace_seconds + settings.grace_seconds) + 1,
        "loglevel": _LEVELS[settings.log.level],
        "logger_class": GunicornLog,
        "proc_name": "rondpoint",
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 (memory, for heartbeats)
        "control_socket_disable": True,
        "on_starting": _prepare_master,
        "on_reload": _reopen_udp_sockets,
        "when_ready": _load,
        "pre_fork": _freeze_memory,
        "post_fork": _reset_sigterm,
    }


def _prepare_master(arbiter: Arbiter) -> None:
    # The master must read its settings before it imports the worker, which imports gevent.
    from proxy.process.master import install_master  # noqa: PLC0415

    if warning := access_warning(current_settings()):
        log.warning("%s", warning)
    UDP_SOCKETS.open_or_exit(current_settings())
    install_master(arbiter)


def _reopen_udp_sockets(arbiter: Arbiter) -> None:
    for error in UDP_SOCKETS.open(current_settings()):
        log.error("%s", error)


def _load(arbiter: Arbiter) -> None:
    # The master listens by now: whoever connects meanwhile waits for a worker, and is not refused.
    from proxy.process.preload import preload  # noqa: PLC0415

    preload()
    application = arbiter.app.wsgi()
    # A single worker has nobody to share its memory with, and may never need these.
    if arbiter.cfg.workers > 1:
        import_module("rondpoint.middlewares.condition_parser")
        cast("DeferredApplication", application).load()


def _freeze_memory(arbiter: Arbiter, worker: Worker) -> None:
    # The collector does not write to frozen objects, so master and workers keep sharing their memory pages.
    gc.collect()
    gc.freeze()


def _reset_sigterm(arbiter: Arbiter, worker: Worker) -> None:
    # Until the worker installs its own handlers it has the arbiter's, which would lose a SIGTERM.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
