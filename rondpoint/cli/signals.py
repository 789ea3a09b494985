"""Signals as something to wait for beside other events."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self


class Signals:
    """Collects signals from its start to its end; readable when one has come.

    Only for the main thread. The handlers that were there before are put back.
    """

    def __init__(self, wanted: Iterable[signal.Signals]) -> None:
        self._wanted = tuple(wanted)
        self._read, self._write = socket.socketpair()
        self._before: dict[signal.Signals, object] = {}
        self._wakeup = -1

    def fileno(self) -> int:
        return self._read.fileno()

    def take(self) -> list[signal.Signals]:
        """The signals since the last call, in their order."""
        try:
            return [signal.Signals(number) for number in self._read.recv(4096)]
        except BlockingIOError:
            return []

    def __enter__(self) -> Self:
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in self._wanted:
            # A handler must be there for the wakeup to happen; the work is done by who waits.
            self._before[number] = signal.signal(number, lambda *_: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup)
        self._read.close()
        self._write.close()
