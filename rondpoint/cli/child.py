"""One child process of `rondpoint up`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A child process could not start; the text names it and says why."""


# msgspec and dataclasses would take 1 to 3 MB of a process that needs little more than its child processes.
class ChildUser:
    """The user that a child runs as."""

    __slots__ = ("gid", "home", "uid")

    def __init__(self, uid: int, gid: int, home: str) -> None:
        self.uid = uid
        self.gid = gid
        self.home = home


class ChildSpec:
    """The command of a child process, and how the supervisor runs it.

    `grace`: seconds between SIGTERM and SIGKILL. `store_socket`: the child is a store, and the next child
    starts after this one responds at this Unix socket. `notifies_ready`: the child itself
    reports that it is ready, with systemd's protocol. `final_exit_codes`: if a child that was never ready
    ends with one of them, everything ends, because a restart would not help. `reloads`: the child gets
    SIGHUP. `reopens_logs`: it gets SIGUSR1. `user`: the user it runs as, by default that of this process.
    `withheld`: the variables that it does not get from the environment of this process.
    """

    __slots__ = (
        "argv",
        "environment",
        "final_exit_codes",
        "grace",
        "name",
        "notifies_ready",
        "reloads",
        "reopens_logs",
        "store_socket",
        "user",
        "withheld",
    )

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        grace: float = 5.0,
        store_socket: str = "",
        notifies_ready: bool = False,
        reloads: bool = False,
        reopens_logs: bool = False,
        final_exit_codes: Collection[int] = (),
        user: ChildUser | None = None,
        withheld: Collection[str] = (),
    ) -> None:
        self.name = name
        self.argv = argv
        self.environment = dict(environment)
        self.grace = grace
        self.store_socket = store_socket
        self.notifies_ready = notifies_ready
        self.reloads = reloads
        self.reopens_logs = reopens_logs
        self.final_exit_codes = final_exit_codes
        self.user = user
        self.withheld = withheld


def spawn(spec: ChildSpec, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the child in its own session and return its process.

    Ctrl-C then reaches only this process, which ends its children in order. On Linux the child gets
    SIGTERM when this process dies, for whatever reason. Its output goes to the standard error of this
    process. Raises StartError.
    """
    parent, user = os.getpid(), spec.user
    home = {} if user is None else {"HOME": user.home}
    inherited = {name: value for name, value in environment.items() if name not in spec.withheld}

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
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
            preexec_fn=before_exec,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as fault:
        raise StartError(f"cannot start {spec.name}: {fault}") from fault
