"""Rondpoint's settings in gunicorn's terms, read anew whenever gunicorn reads its configuration."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
from typing import TYPE_CHECKING, Any

from gunicorn.glogging import Logger

from proxy.process.current_settings import current_settings, grace_seconds, read_settings
from proxy.process.listening import bind_addresses
from proxy.telemetry.instance import INSTANCE
from proxy.telemetry.tracing.dependencies import MISSING, packages_installed
from rondpoint import logs
from rondpoint.settings import LogLevel
from rondpoint.settings.access import access_warning

# gunicorn's debugging prints its whole configuration, which is not the user's.
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

log = logging.getLogger(__name__)


class Log(Logger):
    """gunicorn's log as a part of ours."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def reopen_files(self) -> None:
        super().reopen_files()
        logs.reopen()


def gunicorn_settings() -> dict[str, Any]:
    """A value for each gunicorn setting that Rondpoint decides; flags come by RONDPOINT_FLAGS.

    Raises SettingsError as `read_settings` does.
    """
    settings = read_settings()
    logs.configure(settings.log)
    # Drawn here, in the master, so that its workers share it.
    log.debug("this instance is called %s", INSTANCE)
    if settings.tracing is not None and not packages_installed(settings.tracing):
        log.error("%s", MISSING)
    return {
        "bind": bind_addresses(settings),
        "workers": settings.workers,
        "worker_class": "proxy.process.worker.ProxyWorker",
        "worker_connections": settings.limits.connections,
        "wsgi_app": "proxy.admin:create_app()",
        "max_requests": settings.limits.requests_per_worker,
        # Lest workers that began together end together.
        "max_requests_jitter": settings.limits.requests_per_worker // 10,
        # Workers keep the grace time themselves; past it and a moment more the master kills them.
        "graceful_timeout": math.ceil(grace_seconds(settings)) + 1,
        "keepalive": 5,
        "loglevel": _LEVELS[settings.log.level],
        "logger_class": Log,
        "proc_name": "rondpoint",
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 (memory, for heartbeats)
        "control_socket_disable": True,
        "on_starting": _take_over,
        "pre_fork": _share,
        "post_fork": _await_signals,
    }


def _take_over(arbiter: Arbiter) -> None:
    # The master reads its settings before it may import the worker, and gevent with it.
    from proxy.process.master import take_over  # noqa: PLC0415

    if warning := access_warning(current_settings()):
        log.warning("%s", warning)
    take_over(arbiter)


def _share(arbiter: Arbiter, worker: Worker) -> None:
    # What the collector does not look at, it does not write to: master and workers go on sharing its pages.
    gc.collect()
    gc.freeze()


def _await_signals(arbiter: Arbiter, worker: Worker) -> None:
    # Until the worker has handlers of its own it has the arbiter's, in which a SIGTERM would be lost.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
