"""Plans what `rondpoint up` runs, from its settings."""

from __future__ import annotations

import json
import os
import pwd
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rondpoint import logs
from rondpoint.cli.agent_settings import agent_variables, variables_of_traefik, without_agent_flags
from rondpoint.cli.child import ChildSpec, ChildUser, StartError
from rondpoint.cli.flags import load_or_exit, report_warnings
from rondpoint.cli.planned_log import PlannedLog
from rondpoint.cli.start_plan import StartPlan
from rondpoint.cli.startup_summary import summary_lines
from rondpoint.cli.store import embedded_store
from rondpoint.settings import LoadedSettings
from rondpoint.settings.sources.environment import EMBEDDED_STORE, FLAGS, variable_name

# The path of a Unix socket holds 104 bytes on the most restrictive system.
_MAX_DIRECTORY_BYTES = 80
# Exit codes of gunicorn if it cannot read its configuration, listen, load the application or start its
# workers.
_FINAL_EXIT_CODES = frozenset({1, 2, 3, 4})
# gunicorn kills workers at most one second after their grace time, and needs some time itself.
_MARGIN_SECONDS = 3.0


def make_plan(flags: Sequence[str]) -> StartPlan:
    """Read the settings, report warnings about them, and return the plan, whose directory is new.

    If the settings are unusable, print every error and exit with code 2.
    """
    loaded = load_or_exit(flags)
    settings = loaded.settings
    log = None
    if logs.is_machine_readable(settings.log):
        logs.configure(settings.log)
        log = msgspec.convert(settings.log, PlannedLog, from_attributes=True)
    report_warnings(loaded)
    directory = Path(tempfile.mkdtemp(prefix="rondpoint-", dir=_socket_directory()))
    try:
        children = tuple(_child_specs(loaded, directory, flags))
    except StartError as fault:
        return StartPlan(directory, log=log, fault=str(fault))
    return StartPlan(directory, children, log=log, summary="\n".join(summary_lines(settings, loaded.file)))


def _child_specs(loaded: LoadedSettings, directory: Path, flags: Sequence[str]) -> list[ChildSpec]:
    settings = loaded.settings
    all_flags = [*json.loads(os.environ.get(FLAGS) or "[]"), *flags]
    environment = {FLAGS: json.dumps(all_flags), "PYTHONUNBUFFERED": "1"}
    specs: list[ChildSpec] = []
    user = _find_user(settings.user)
    if user is not None:
        # Store and proxy use the sockets in it as this user; root may use them in any case.
        os.chown(directory, user.uid, user.gid)
    if settings.redis.url is None:
        # Its log format is not JSON.
        spec, url = embedded_store(directory, user, quiet=logs.is_machine_readable(settings.log))
        specs.append(spec)
        environment |= {variable_name(("redis", "url")): url, EMBEDDED_STORE: "1"}
        if settings.state_directory is None:
            # A local snapshot of this store has no use after the store is gone.
            environment[variable_name(("stateDirectory",))] = str(directory)
    rondpoint = (sys.executable, "-m", "rondpoint")
    specs.append(ChildSpec("agent", (*rondpoint, "agent"), environment, reopens_logs=True))
    withheld = agent_variables(os.environ)
    if all_flags or loaded.file is not None:
        # They have no effect beside flags, and the proxy does not get all flags.
        withheld |= variables_of_traefik(os.environ)
    specs.append(
        ChildSpec(
            "proxy",
            (*rondpoint, "proxy"),
            environment | {FLAGS: json.dumps(without_agent_flags(all_flags))},
            withheld=withheld,
            grace=settings.accept_grace_seconds + settings.grace_seconds + _MARGIN_SECONDS,
            notifies_ready=True,
            reloads=True,
            reopens_logs=True,
            final_exit_codes=_FINAL_EXIT_CODES,
            user=user,
        )
    )
    return specs


def _find_user(name: str) -> ChildUser | None:
    """Return the user of store and proxy, or None for the user of this process. Raises StartError."""
    if not name or os.geteuid():
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"settings: user: this system has no user {name!r}") from None
    return ChildUser(entry.pw_uid, entry.pw_gid, entry.pw_dir)


def _socket_directory() -> str | None:
    """Return the temporary directory, or `/tmp` if that has too long a path for a socket."""
    default = tempfile.gettempdir()
    return default if len(os.fsencode(default)) <= _MAX_DIRECTORY_BYTES else "/tmp"  # noqa: S108 - a private directory below it
