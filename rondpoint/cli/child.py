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

from rondpoint.cli.agent_settings import without_sources

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A child did not come up; the text says which and why."""


class Spec(Struct, frozen=True):
    """What to run, and how to treat it.

    `grace` is the time in seconds between SIGTERM and SIGKILL. `settle` is called with the new process,
    blocks until it can be used and raises StartError if that takes too long. A child that `announces`
    says itself when it is ready, in systemd's way, and one that has never been ready and ends by an exit
    code of `final` ends everything: to start it again would not help. `reloads` on SIGHUP; has `logs` that it
    opens anew on SIGUSR1. `user` is who it runs as, by default who we are; one that does not `knows_sources`
    is not told where routes come from.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    grace: float = 5.0
    settle: Callable[[subprocess.Popen[bytes]], None] | None = None
    announces: bool = False
    reloads: bool = False
    logs: bool = False
    final: frozenset[int] = frozenset()
    user: pwd.struct_passwd | None = None
    knows_sources: bool = True


def spawn(spec: Spec, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the child in a session of its own, so that a Ctrl-C reaches it only through us, in order.

    It gets SIGTERM when this process dies, however that happens (Linux). Its output goes to our stderr.
    Raises StartError.
    """
    us, user = os.getpid(), spec.user
    home = {} if user is None else {"HOME": user.pw_dir}
    given = environment if spec.knows_sources else without_sources(environment)

    def before_exec() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != us:
                os._exit(1)

    try:
        return subprocess.Popen(  # noqa: S603 - our own commands
            spec.argv,
            env={**given, **home, **spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=None if user is None else [],
            preexec_fn=before_exec,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as fault:
        raise StartError(f"{spec.name} cannot be started: {fault}") from fault
