"""Runs `rondpoint up` as a child process that ends with this one."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

READY_INTERVAL = 0.05  # seconds between attempts to connect to the port


class Child:
    """The child process `rondpoint up`, which gets a SIGTERM for every signal that would end this process.

    Create it in the main thread, before anything that this process must clean up when a signal comes.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_requested = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def run(self, flags: Sequence[str], port: int | None, ready: Callable[[], None]) -> int:
        """Run the child to its end, and return its exit status.

        Call `ready` in a thread once the child accepts on `port`; without a port, never.
        """
        if self._stop_requested:
            return 0
        command = [str(Path(sys.executable).with_name("rondpoint")), "up", *flags]
        # In its own session the child does not get the terminal's Ctrl-C in addition to our SIGTERM.
        process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 (the user's own flags)
        self._process = process
        # A signal may have come before the process existed.
        if self._stop_requested:
            process.terminate()
        elif port is not None:
            threading.Thread(target=_announce, args=(process, port, ready), daemon=True).start()
        return process.wait()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requested = True
        if self._process is not None:
            self._process.terminate()


def _announce(process: subprocess.Popen[bytes], port: int, ready: Callable[[], None]) -> None:
    never = threading.Event()
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            never.wait(READY_INTERVAL)
            continue
        ready()
        return
