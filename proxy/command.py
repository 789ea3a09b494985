"""The command `rondpoint proxy`: runs gunicorn with the workers of this package."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from gunicorn.app.base import BaseApplication

from proxy.authentication.credentials import CredentialError, Credentials
from proxy.process.deferred_application import DeferredApplication
from proxy.process.gunicorn_settings import gunicorn_settings
from proxy.process.listening import unavailable_addresses
from rondpoint import logs
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.flags import load_or_exit, report_warnings
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import FLAGS
from rondpoint.store.sealing import SealError, sealer_of

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)

_ADMIN_MODULES = ("werkzeug.serving", "werkzeug.routing", "jinja2", "flask", "proxy.admin.endpoints")


class ProxyApplication(BaseApplication):
    """A gunicorn application that only Rondpoint's settings configure, at start and at every reload."""

    def load_config(self) -> None:
        for name, value in gunicorn_settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return admin_application()


def admin_application() -> DeferredApplication:
    """Return the application of the admin entry point; plain gunicorn calls this, too."""
    return DeferredApplication(_ADMIN_MODULES, _create_admin_application)


def _create_admin_application() -> Flask:
    from proxy.admin import create_app  # noqa: PLC0415 (imported after the master has patched)

    return create_app()


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@settings_flags
def proxy(flags: tuple[str, ...]) -> None:
    """Serve the web and admin entry points.

    Needs the store that the agent writes to (--redis.url=redis://HOST:6379/0). On SIGHUP, it reads the
    settings again and replaces the workers. On SIGTERM, it finishes running requests and ends.
    """
    loaded = load_or_exit(flags)
    if FLAGS not in os.environ:
        # Otherwise `rondpoint up` has already logged the warnings.
        logs.configure(loaded.settings.log)
        report_warnings(loaded)
    if loaded.settings.redis.url is None:
        click.echo(
            "error: settings: redis.url: not set; set it to the store that the agent writes to, "
            "or run `rondpoint up`, which starts a store of its own",
            err=True,
        )
        sys.exit(2)
    for error_text in _settings_errors(loaded.settings):
        click.echo(f"error: settings: {error_text}", err=True)
        sys.exit(2)
    # gunicorn reads its configuration again at a reload, and then needs these flags.
    os.environ[FLAGS] = json.dumps([*json.loads(os.environ.get(FLAGS) or "[]"), *flags])
    application = ProxyApplication()
    for error_text in unavailable_addresses(loaded.settings):
        # Not fatal: gunicorn retries for some seconds, because an ending process may still use the address.
        log.error("%s", error_text)
    application.run()


def _settings_errors(settings: Settings) -> Iterator[str]:
    # Only the workers read the contents: this process must not import ssl before gevent.
    for name, point in settings.entry_points.items():
        if point.tls is None:
            continue
        pairs = [
            ("certificates", file) for pair in point.tls.pairs for file in (pair.cert_file, pair.key_file)
        ]
        for key, file in [*pairs, *(("clientCA.files", file) for file in point.tls.client_authority_files)]:
            if not (file.is_file() and os.access(file, os.R_OK)):
                yield f"entryPoints.{name}.tls.{key}: {file} does not exist or is not readable"
    for read in (lambda: Credentials(settings.api), lambda: sealer_of(settings)):
        try:
            read()
        except (CredentialError, SealError) as error:
            yield str(error)
