"""`rondpoint up`: everything in the foreground."""

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
from rondpoint.cli.agent_settings import without_sources_flags
from rondpoint.cli.child import Spec, StartError
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_ON, load_or_exit, say_warnings, settings_flags
from rondpoint.cli.readiness import Announcements
from rondpoint.cli.startup_summary import facts
from rondpoint.cli.store import store
from rondpoint.cli.supervisor import Supervisor
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import FLAGS, variable

log = logging.getLogger(__name__)

# A Unix socket's path has room for 104 bytes on the narrowest system.
_LONGEST_DIRECTORY = 80
# What gunicorn ends with when it cannot be configured, listen, load or start its workers.
_FINAL = frozenset({1, 2, 3, 4})
# gunicorn kills workers a second after their grace time, at the latest, and needs a moment for itself.
_MARGIN_SECONDS = 3.0


@click.command(cls=SettingsCommand, context_settings=PASS_ON)
@settings_flags
def up(flags: tuple[str, ...]) -> None:
    """Run everything in the foreground: store, agent, proxy.

    Settings are flags as Traefik has them (--providers.docker.domain=test, --web), variables
    (RONDPOINT_PROVIDERS_DOCKER_DOMAIN) or in a file (--configFile=FILE; else rondpoint.toml, traefik.yml
    and the like, here or in /etc). Without redis.url, a store of its own is started.

    SIGTERM or Ctrl-C ends all in order, running requests first; a second one ends all at once. SIGHUP
    reloads the proxy, SIGUSR1 has the files of logs opened anew.
    """
    loaded = load_or_exit(flags)
    say: Callable[[str], None] = _say
    tell: Callable[[str], None] = _tell
    if logs.for_machines(loaded.settings.log):
        logs.configure(loaded.settings.log)
        say = tell = _log
    say_warnings(loaded)
    with tempfile.TemporaryDirectory(prefix="rondpoint-", dir=_place()) as name:
        directory = Path(name)
        try:
            specs = _children(loaded.settings, directory, flags)
        except StartError as fault:
            say(str(fault))
            sys.exit(1)
        with Announcements(directory) as announcements:
            code = Supervisor(
                specs,
                announcements,
                os.environ,
                on_ready=lambda: tell("\n".join(facts(loaded.settings))),
                say=say,
            ).run()
    sys.exit(code)


def _children(settings: Settings, directory: Path, flags: Sequence[str]) -> list[Spec]:
    handed = [*json.loads(os.environ.get(FLAGS) or "[]"), *flags]
    environment = {FLAGS: json.dumps(handed), "PYTHONUNBUFFERED": "1"}
    specs: list[Spec] = []
    user = _user(settings.user)
    if user is not None:
        # The sockets in it are theirs to use; root needs nobody's leave.
        os.chown(directory, user.pw_uid, user.pw_gid)
    if settings.redis.url is None:
        # It has a form of its own for what it says.
        spec, url = store(directory, quiet=logs.for_machines(settings.log))
        specs.append(structs.replace(spec, user=user))
        environment[variable(("redis", "url"))] = url
        if settings.state_directory is None:
            # What this store held is worth nothing once it is gone.
            environment[variable(("stateDirectory",))] = str(directory)
    rondpoint = (sys.executable, "-m", "rondpoint")
    grace = max(point.transport.life_cycle.grace_time_out for point in settings.entry_points.values())
    specs.append(Spec("agent", (*rondpoint, "agent"), environment, logs=True))
    specs.append(
        Spec(
            "proxy",
            (*rondpoint, "proxy"),
            environment | {FLAGS: json.dumps(without_sources_flags(handed))},
            knows_sources=False,
            grace=grace + _MARGIN_SECONDS,
            announces=True,
            reloads=True,
            logs=True,
            final=_FINAL,
            user=user,
        )
    )
    return specs


def _user(name: str) -> pwd.struct_passwd | None:
    """Whom store and proxy run as, None for who we are. Raises StartError."""
    if not name or os.geteuid():
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"settings: user: there is no user {name!r} on this system") from None


def _place() -> str | None:
    """Where the sockets go: the usual temporary directory, unless its path is too long for a socket."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_DIRECTORY else "/tmp"  # noqa: S108 - a private one below


def _log(text: str) -> None:
    for line in text.splitlines():
        log.info("%s", line)


def _tell(text: str) -> None:
    click.echo(text)


def _say(line: str) -> None:
    click.echo(f"rondpoint: {line}", err=True)
