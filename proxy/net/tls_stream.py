"""TLS streams: OpenSSL works on memory buffers, so that `Stream` does all waiting and deadlines."""

from __future__ import annotations

import _socket
import contextlib
import ssl
from types import EllipsisType
from typing import TYPE_CHECKING

from gevent.event import Event

from proxy.client_certificates.certificates import ClientCertificates
from proxy.client_certificates.sent_certificates import sent_certificates
from proxy.net.deadlines import NEVER
from proxy.net.stream import READ_SIZE, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD_SIZE = 16384
"""The most bytes that OpenSSL returns at once: a record's (RFC 8446 §5.1). Larger buffers only cost time."""


class TlsStream(Stream):
    """A TLS stream to a server with this name, or to a client if there is no name.

    `tls_options` are the name of the options with which a client's connection is made. A client gets session
    tickets of TLS 1.3 only with `tickets`, and if the context sends some.

    It takes over the connection of the plain `stream`. The constructor performs the handshake until
    `deadline` (monotonic seconds); `early` are bytes that were already received. Raises ssl.SSLError or
    OSError.
    """

    __slots__ = (
        "_client_certificates",
        "_ends_sending",
        "_flushed",
        "_flushing",
        "_incoming",
        "_outgoing",
        "_owes_close_notify",
        "_tls",
        "tls_options",
    )

    plain = False

    def __init__(
        self,
        stream: Stream,
        context: ssl.SSLContext,
        server_name: str | None = None,
        *,
        deadline: float = NEVER,
        early: bytes = b"",
        tls_options: str = "",
        tickets: bool = True,
    ) -> None:
        self.take_over(stream)
        self.tls_options = tls_options
        # Unknown until something asks for them: most connections never need them.
        self._client_certificates: ClientCertificates | EllipsisType | None = ...
        self.deadline = deadline
        is_server = server_name is None
        # Many servers take the end of one direction for the end of both, and would abort their response.
        self._ends_sending = self._owes_close_notify = is_server
        self._flushing = False
        self._flushed: Event | None = None
        try:
            self._incoming = incoming = ssl.MemoryBIO()
            self._outgoing = ssl.MemoryBIO()
            if is_server and not tickets:
                self._tls = _wrap_without_tickets(context, incoming, self._outgoing)
            else:
                self._tls = context.wrap_bio(incoming, self._outgoing, is_server, server_name)
            incoming.write(early)
            self._shake_hands(is_server=is_server)
        except BaseException:
            self._owes_close_notify = False
            # The alert that says what is wrong, if OpenSSL has written one.
            self._send_pending()
            self.close()
            raise
        self.deadline = NEVER

    def _shake_hands(self, *, is_server: bool) -> None:
        tls = self._tls
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
            else:
                break
        # In TLS 1.3, a server has only a session ticket left to send. It leaves with the response if the
        # request is here; else at once, since many clients send the request only once something has come.
        if not is_server or not self._incoming.pending or tls.version() != "TLSv1.3":
            if is_server and not self._outgoing.pending:
                # Without a ticket, the kernel's acknowledgement is what they wait for.
                self.sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_QUICKACK, 1)
            self._flush()

    @property
    def negotiated(self) -> tuple[str, str]:
        """The negotiated version and cipher, in OpenSSL's names."""
        cipher = self._tls.cipher()
        return self._tls.version() or "", cipher[0] if cipher else ""

    @property
    def protocol(self) -> str:
        """The protocol that client and server have chosen by ALPN; empty if they have not."""
        return self._tls.selected_alpn_protocol() or ""

    @property
    def peer_certificate(self) -> Mapping[str, object] | None:
        """The other side's certificate, as `ssl` describes it; None or empty if it was not verified."""
        return self._tls.getpeercert()

    @property
    def client_certificates(self) -> ClientCertificates | None:  # type: ignore[override]
        found = self._client_certificates
        if isinstance(found, EllipsisType):
            chain = sent_certificates(self._tls)
            found = self._client_certificates = ClientCertificates(chain) if chain else None
        return found

    def recv(self, size: int = RECORD_SIZE) -> bytes:
        incoming, tls = self._incoming, self._tls
        while True:
            if incoming.pending or incoming.eof or tls.pending():
                try:
                    return tls.read(size)
                except ssl.SSLWantReadError:
                    if not self._unsent:
                        self._flush()
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            self._receive()

    def recv_eagerly(self) -> bytes:
        return self.recv()

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        if self._flushing:
            self._wait_for_flush()
        self._flush()

    def try_send(self, data: bytes) -> bool:
        self._tls.write(data)
        return not self._flushing and super().try_send(self._outgoing.read())

    def finish_send(self) -> None:
        self._wait_for_flush()
        if self._unsent:
            self._flushing = True
            try:
                super().finish_send()
            finally:
                self._end_flush()
        self._flush()

    def send_last(self, data: bytes) -> None:
        self._tls.write(data)
        self._write_close_notify()
        self._flush(last=True)

    def shutdown(self, how: int) -> None:
        if how == _socket.SHUT_WR:
            if not self._ends_sending:
                return
            self._send_close_notify()
        super().shutdown(how)

    def end_sending(self) -> None:
        # Unlike `shutdown`, also towards a server: the client itself has ended its side.
        self._write_close_notify()
        self._flush()
        if self._ends_sending:
            super().shutdown(_socket.SHUT_WR)

    def reset(self) -> None:
        self._ends_sending = self._owes_close_notify = False
        super().reset()

    def close(self) -> None:
        self._send_close_notify()
        super().close()

    def _send_close_notify(self) -> None:
        """Send close_notify without waiting, unless it has been sent."""
        if self._owes_close_notify:
            self._write_close_notify()
            self._send_pending()

    def _write_close_notify(self) -> None:
        """Have OpenSSL write close_notify: an end without it may be an attacker's (RFC 8446 §6.1)."""
        self._owes_close_notify = False
        try:  # noqa: SIM105 (a context manager costs a microsecond for each connection)
            self._tls.unwrap()
        except OSError:
            pass

    def _send_pending(self) -> None:
        """Send what OpenSSL has written, without waiting."""
        if not self._flushing and not self._unsent:
            with contextlib.suppress(OSError):
                self.sock.send(self._outgoing.read())

    def _flush(self, *, last: bool = False) -> None:
        # One greenlet at a time, to keep the order: in a tunnel the reading greenlet may have to send as
        # well.
        if self._flushing:
            return
        self._flushing = True
        try:
            send = super().send_last if last else super().send
            while self._outgoing.pending:
                send(self._outgoing.read())
        finally:
            self._end_flush()

    def _end_flush(self) -> None:
        self._flushing = False
        flushed, self._flushed = self._flushed, None
        if flushed is not None:
            flushed.set()

    def _wait_for_flush(self) -> None:
        """Wait while the reading greenlet sends, such as the alert that refuses a renegotiation of TLS 1.2.

        It would send all bytes, but without a wait a peer that reads none could fill the memory with them.
        """
        while self._flushing:
            if self._flushed is None:
                self._flushed = Event()
            self._flushed.wait()

    def _receive(self) -> None:
        data = super().recv(READ_SIZE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def _wrap_without_tickets(
    context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
) -> ssl.SSLObject:
    """Return the server's side of a connection that gets no session tickets of TLS 1.3.

    The module ssl has no such option for a connection, but each takes over the number of its context.
    """
    number = context.num_tickets
    context.num_tickets = 0
    try:
        return context.wrap_bio(incoming, outgoing, server_side=True)
    finally:
        context.num_tickets = number
