"""`rondpoint up`: runs store, agent and proxy in the foreground."""

from __future__ import annotations

import json
import logging
import os
import pwd
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from msgspec import structs

from rondpoint import logs
from rondpoint.cli.agent_settings import without_agent_flags
from rondpoint.cli.child import ChildSpec, StartError
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_UNKNOWN_FLAGS, load_or_exit, report_warnings, settings_flags
from rondpoint.cli.readiness import ReadinessSocket
from rondpoint.cli.startup_summary import summary_lines
from rondpoint.cli.store import embedded_store
from rondpoint.cli.supervisor import Supervisor
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import EMBEDDED_STORE, FLAGS, variable_name

log = logging.getLogger(__name__)

# The path of a Unix socket holds 104 bytes on the most restrictive system.
_MAX_DIRECTORY_BYTES = 80
# Exit codes of gunicorn if it cannot read its configuration, listen, load the application or start its
# workers.
_FINAL_EXIT_CODES = frozenset({1, 2, 3, 4})
# gunicorn kills workers at most one second after their grace time, and needs some time itself.
_MARGIN_SECONDS = 3.0


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@settings_flags
def up(flags: tuple[str, ...]) -> None:
    """Run store, agent and proxy in the foreground.

    Give settings as Traefik's flags (--providers.docker.domain=test, --web), as environment variables
    (RONDPOINT_PROVIDERS_DOCKER_DOMAIN) or in a file (--configFile=FILE; default: rondpoint.toml,
    traefik.yml and similar names in the working directory or in /etc). Without redis.url, `up` starts its
    own store.

    SIGTERM or Ctrl-C stops all processes in order, after running requests have finished; a second one stops
    them at once. SIGHUP reloads the proxy. SIGUSR1 reopens log files.
    """
    loaded = load_or_exit(flags)
    report: Callable[[str], None] = _print_event
    print_summary: Callable[[str], None] = _print_summary
    if logs.is_machine_readable(loaded.settings.log):
        logs.configure(loaded.settings.log)
        report = print_summary = _log_lines
    report_warnings(loaded)
    with tempfile.TemporaryDirectory(prefix="rondpoint-", dir=_socket_directory()) as name:
        directory = Path(name)
        try:
            specs = _child_specs(loaded.settings, directory, flags)
        except StartError as fault:
            report(str(fault))
            sys.exit(1)
        with ReadinessSocket(directory) as readiness_socket:
            code = Supervisor(
                specs,
                readiness_socket,
                os.environ,
                on_ready=lambda: print_summary("\n".join(summary_lines(loaded.settings))),
                report=report,
            ).run()
    sys.exit(code)


def _child_specs(settings: Settings, directory: Path, flags: Sequence[str]) -> list[ChildSpec]:
    all_flags = [*json.loads(os.environ.get(FLAGS) or "[]"), *flags]
    environment = {FLAGS: json.dumps(all_flags), "PYTHONUNBUFFERED": "1"}
    specs: list[ChildSpec] = []
    user = _find_user(settings.user)
    if user is not None:
        # Store and proxy use the sockets in it as this user; root may use them in any case.
        os.chown(directory, user.pw_uid, user.pw_gid)
    if settings.redis.url is None:
        # Its log format is not JSON.
        spec, url = embedded_store(directory, quiet=logs.is_machine_readable(settings.log))
        specs.append(structs.replace(spec, user=user))
        environment |= {variable_name(("redis", "url")): url, EMBEDDED_STORE: "1"}
        if settings.state_directory is None:
            # A local snapshot of this store has no use after the store is gone.
            environment[variable_name(("stateDirectory",))] = str(directory)
    rondpoint = (sys.executable, "-m", "rondpoint")
    specs.append(ChildSpec("agent", (*rondpoint, "agent"), environment, reopens_logs=True))
    specs.append(
        ChildSpec(
            "proxy",
            (*rondpoint, "proxy"),
            environment | {FLAGS: json.dumps(without_agent_flags(all_flags))},
            gets_provider_settings=False,
            grace=settings.accept_grace_seconds + settings.grace_seconds + _MARGIN_SECONDS,
            notifies_ready=True,
            reloads=True,
            reopens_logs=True,
            final_exit_codes=_FINAL_EXIT_CODES,
            user=user,
        )
    )
    return specs


def _find_user(name: str) -> pwd.struct_passwd | None:
    """Return the user of store and proxy, or None for the user of this process. Raises StartError."""
    if not name or os.geteuid():
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"settings: user: this system has no user {name!r}") from None


def _socket_directory() -> str | None:
    """Return the temporary directory, or `/tmp` if that has too long a path for a socket."""
    default = tempfile.gettempdir()
    return default if len(os.fsencode(default)) <= _MAX_DIRECTORY_BYTES else "/tmp"  # noqa: S108 - a private directory below it


def _log_lines(text: str) -> None:
    for line in text.splitlines():
        log.info("%s", line)


def _print_summary(text: str) -> None:
    click.echo(text)


def _print_event(line: str) -> None:
    click.echo(f"rondpoint: {line}", err=True)
