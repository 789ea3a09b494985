"""The command `rondpoint proxy`: gunicorn with the workers of this package."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from proxy.authentication.credentials import CredentialError, Credentials
from proxy.process.gunicorn_settings import gunicorn_settings
from proxy.process.listening import not_to_be_had
from rondpoint import logs
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_ON, load_or_exit, say_warnings, settings_flags
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import FLAGS

log = logging.getLogger(__name__)


class ProxyApplication(BaseApplication):
    """gunicorn, configured by Rondpoint's settings alone, at start and at every reload."""

    def load_config(self) -> None:
        for name, value in gunicorn_settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from proxy.admin import create_app  # noqa: PLC0415 (only workers need Flask)

        return create_app()


@click.command(cls=SettingsCommand, context_settings=PASS_ON)
@settings_flags
def proxy(flags: tuple[str, ...]) -> None:
    """Serve the web and admin entry points.

    Needs the store that the agent writes to (--redis.url=redis://HOST:6379/0). SIGHUP reads the settings
    anew and replaces the workers; SIGTERM lets running requests finish.
    """
    loaded = load_or_exit(flags)
    if FLAGS not in os.environ:
        # `rondpoint up` has said them.
        logs.configure(loaded.settings.log)
        say_warnings(loaded)
    if loaded.settings.redis.url is None:
        click.echo(
            "error: settings: redis.url: it is not set; name the store that the agent writes to, "
            "or run `rondpoint up`, which brings its own",
            err=True,
        )
        sys.exit(2)
    for fault in _faults(loaded.settings):
        click.echo(f"error: settings: {fault}", err=True)
        sys.exit(2)
    # gunicorn reads its configuration anew at a reload, and must then find these flags again.
    os.environ[FLAGS] = json.dumps([*json.loads(os.environ.get(FLAGS) or "[]"), *flags])
    application = ProxyApplication()
    for fault in not_to_be_had(loaded.settings):
        # gunicorn tries for some seconds more, lest one who is just leaving is in the way.
        log.error("%s", fault)
    application.run()


def _faults(settings: Settings) -> Iterator[str]:
    # What is in them is for the workers to see: ssl must not be imported here, ahead of gevent.
    for name, point in settings.entry_points.items():
        for pair in point.tls.certificates if point.tls is not None else ():
            for file in (pair.cert_file, pair.key_file):
                if not os.access(file, os.R_OK):
                    yield f"entryPoints.{name}.tls.certificates: {file} is not there, or not to be read"
    try:
        Credentials(settings.api)
    except CredentialError as error:
        yield str(error)
