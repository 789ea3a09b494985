"""Streams whose bytes travel in TLS: by memory buffers, so that waiting and deadlines stay Stream's."""

from __future__ import annotations

import _socket
import contextlib
import ssl
from typing import TYPE_CHECKING

from proxy.net.deadlines import NEVER
from proxy.net.stream import PIECE, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.net.deadlines import Sweeper


class TlsStream(Stream):
    """TLS towards a server of this name, or towards a client when there is none.

    The handshake happens in the constructor, within `deadline` (monotonic seconds); `early` are bytes that
    were received already. Raises ssl.SSLError or OSError.
    """

    __slots__ = ("_flushing", "_incoming", "_outgoing", "_serving", "_tls")

    plain = False

    def __init__(
        self,
        sock: _socket.socket,
        sweeper: Sweeper,
        context: ssl.SSLContext,
        server_name: str | None = None,
        *,
        deadline: float = NEVER,
        early: bytes = b"",
    ) -> None:
        super().__init__(sock, sweeper)
        self._serving = server_name is None
        self._flushing = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, self._serving, server_name)
        self._incoming.write(early)
        self.deadline = deadline
        try:
            while not self._step(self._tls.do_handshake):
                self._receive()
        except BaseException:
            self._serving = False
            self.close()
            raise
        self.deadline = NEVER

    @property
    def agreed(self) -> tuple[str, str]:
        """Version and cipher, in OpenSSL's names."""
        cipher = self._tls.cipher()
        return self._tls.version() or "", cipher[0] if cipher else ""

    def recv(self, size: int = PIECE) -> bytes:
        incoming, tls = self._incoming, self._tls
        while True:
            if incoming.pending or incoming.eof or tls.pending():
                try:
                    return tls.read(size)
                except ssl.SSLWantReadError:
                    self._flush()
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            self._receive()

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._flush()

    def shutdown(self, how: int) -> None:
        if how == _socket.SHUT_WR:
            # Many servers take the end of one direction for that of both, and would break off their answer.
            if not self._serving:
                return
            self._say_end()
        super().shutdown(how)

    def reset(self) -> None:
        self._serving = False
        super().reset()

    def close(self) -> None:
        if self._serving:
            self._say_end()
        super().close()

    def _say_end(self) -> None:
        """RFC 8446 §6.1: an end that is not announced may be an attacker's; nobody is waited for, though."""
        self._serving = False
        with contextlib.suppress(OSError):
            self._tls.unwrap()
        if not self._flushing:
            with contextlib.suppress(OSError):
                self.sock.send(self._outgoing.read())

    def _step(self, operation: Callable[[], None]) -> bool:
        try:
            operation()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        self._flush()
        return True

    def _flush(self) -> None:
        # One at a time, in order: in a tunnel, whoever reads may have something to send as well.
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._outgoing.pending:
                super().send(self._outgoing.read())
        finally:
            self._flushing = False

    def _receive(self) -> None:
        data = super().recv(PIECE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
