"""Signals as a readable file descriptor, to wait for them together with other events."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterable
from types import TracebackType


class SignalReceiver:
    """Collects signals while its context is open; its file descriptor is readable after a signal.

    Only the main thread may use it. Closing restores the previous handlers.
    """

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = tuple(numbers)
        self._read, self._write = socket.socketpair()
        self._previous: dict[signal.Signals, object] = {}
        self._wakeup = -1

    def fileno(self) -> int:
        return self._read.fileno()

    def receive(self) -> list[signal.Signals]:
        """Return the signals received since the last call, in order."""
        try:
            return [signal.Signals(number) for number in self._read.recv(4096)]
        except BlockingIOError:
            return []

    def __enter__(self) -> SignalReceiver:
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in self._numbers:
            # Python writes to the wakeup descriptor only for signals with a handler.
            self._previous[number] = signal.signal(number, lambda *_: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup)
        self._read.close()
        self._write.close()
