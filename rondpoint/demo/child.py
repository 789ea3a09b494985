"""`rondpoint up` as a child that ends with us."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

READY_INTERVAL = 0.05  # seconds between looks at whether the port accepts


class Child:
    """Runs `rondpoint up`, and passes on to it, as SIGTERM, every signal that would end this process.

    To be made in the main thread, before anything that a signal must not leave behind.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._told_to_stop = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def run(self, flags: Sequence[str], port: int | None, ready: Callable[[], None]) -> int:
        """Runs it to its end and returns its exit status.

        Calls `ready`, in a thread, once it accepts on `port`; without a port, never.
        """
        if self._told_to_stop:
            return 0
        command = [str(Path(sys.executable).with_name("rondpoint")), "up", *flags]
        # In a session of its own it does not get the terminal's Ctrl-C as well as our SIGTERM.
        process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 (the user's own flags)
        self._process = process
        # A signal may have come while there was no process to pass it on to.
        if self._told_to_stop:
            process.terminate()
        elif port is not None:
            threading.Thread(target=_announce, args=(process, port, ready), daemon=True).start()
        return process.wait()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True
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
