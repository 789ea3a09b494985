"""Exceptions that end an exchange, or one attempt, without a response."""

from __future__ import annotations

from proxy.net.client_gone import ClientGoneError

__all__ = ["ClientGoneError", "FallbackError", "NoResponseError"]


class NoResponseError(Exception):
    """A server sent no response; the client gets `status` if no other attempt follows.

    A gRPC client gets `grpc_status`, or if that is 0, the one for `status`. `try_others` means that the
    request may go to another server. `retryable_status` means that there was a response, but with a status
    for which a retry middleware tries again.
    """

    def __init__(
        self,
        status: int,
        *,
        try_others: bool,
        reason: str = "",
        retryable_status: bool = False,
        grpc_status: int = 0,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.grpc_status = grpc_status
        self.try_others = try_others
        self.retryable_status = retryable_status
        self.reason = reason

    @property
    def counts_as_failure(self) -> bool:
        """Whether the server is the cause, and not the client or the proxy itself."""
        return self.status in (502, 504) and not self.retryable_status


class FallbackError(Exception):
    """The response has a `status` for which a failover service tries its fallback; nothing was sent yet."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
