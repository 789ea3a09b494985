"""The protocol of a client's connection, or of one stream of it, as the exchange uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.client_certificates.certificates import ClientCertificates


class ClientStream(Protocol):
    """Bytes from and to a client; `Stream` describes the attributes.

    Only a `Stream` is `plain`: splicing needs its socket.
    """

    deadline: float
    expired: bool
    shutdown_mode: int

    @property
    def plain(self) -> bool: ...

    @property
    def tls_options(self) -> str: ...

    @property
    def client_certificates(self) -> ClientCertificates | None: ...

    def recv(self) -> bytes:
        """Wait for bytes; return b"" at the end of the stream. Raises OSError."""

    def send(self, data: bytes) -> None:
        """Send all bytes. Raises OSError."""

    def watch(self) -> None:
        """Notice if the client leaves while no greenlet reads, or has left before."""

    def quiet_seconds(self) -> float:
        """Return the seconds since bytes arrived; 0 while this worker leaves bytes unread."""

    def expire(self) -> None:
        """End the directions in `shutdown_mode`, which wakes the waiting greenlet."""

    def shutdown(self, how: int) -> None:
        """End one or both directions."""

    def close(self) -> None: ...
