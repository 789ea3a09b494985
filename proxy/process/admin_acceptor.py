"""Accepts connections of the admin entry point for gunicorn."""

from __future__ import annotations

from typing import Any

from gevent import get_hub
from gevent.server import StreamServer

from proxy.process.file_descriptors import DescriptorShortage


class NoDescriptorError(OSError):
    """No descriptor is left to accept a connection; it waits in the kernel's queue."""


class AdminAcceptor(StreamServer):
    """Accepts connections as sockets of gevent, each for a greenlet of the pool `spawn`.

    If no descriptor is left, they wait, and it tries again within a second.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shortage = DescriptorShortage()
        hub: Any = get_hub()
        # Otherwise gevent would print a traceback for each attempt.
        if NoDescriptorError not in hub.NOT_ERROR:
            hub.NOT_ERROR += (NoDescriptorError,)

    def do_read(self) -> Any:
        """Return a connection and its address, or None if none waits. Raises OSError."""
        try:
            return super().do_read()
        except OSError as error:
            if self._shortage.recognises(error):
                raise NoDescriptorError(*error.args) from None
            raise

    def close_after_waiting(self) -> None:
        """Accept all waiting connections, then stop: the end of the last worker would reset them."""
        while not self.full():
            try:
                accepted = self.do_read()
            except OSError:
                break
            if not accepted:
                break
            self.do_handle(*accepted)
        self.close()
