"""One child process of `rondpoint up`."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from rondpoint.cli.agent_settings import without_agent_variables

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A child process could not start; the text names it and says why."""


class ChildSpec(Struct, frozen=True):
    """The command of a child process, and how the supervisor runs it.

    `grace`: seconds between SIGTERM and SIGKILL. `wait_until_usable`: called with the new process; blocks
    until it can be used, and raises StartError if that takes too long. `notifies_ready`: the child itself
    reports that it is ready, with systemd's protocol. `final_exit_codes`: if a child that was never ready
    ends with one of them, everything ends, because a restart would not help. `reloads`: the child gets
    SIGHUP. `reopens_logs`: it gets SIGUSR1. `user`: the user it runs as, by default that of this process.
    `gets_provider_settings`: if false, the settings that only the agent needs are removed from its
    environment.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    grace: float = 5.0
    wait_until_usable: Callable[[subprocess.Popen[bytes]], None] | None = None
    notifies_ready: bool = False
    reloads: bool = False
    reopens_logs: bool = False
    final_exit_codes: frozenset[int] = frozenset()
    user: pwd.struct_passwd | None = None
    gets_provider_settings: bool = True


def spawn(spec: ChildSpec, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the child in its own session and return its process.

    Ctrl-C then reaches only this process, which ends its children in order. On Linux the child gets
    SIGTERM when this process dies, for whatever reason. Its output goes to the standard error of this
    process. Raises StartError.
    """
    parent, user = os.getpid(), spec.user
    home = {} if user is None else {"HOME": user.pw_dir}
    inherited = environment if spec.gets_provider_settings else without_agent_variables(environment)

    def before_exec() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    try:
        return subprocess.Popen(  # noqa: S603 - our own commands
            spec.argv,
            env={**inherited, **home, **spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=None if user is None else [],
            preexec_fn=before_exec,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as fault:
        raise StartError(f"cannot start {spec.name}: {fault}") from fault
