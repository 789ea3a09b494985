"""The error of an HTTP request, and what its causes mean to an operator."""

from __future__ import annotations

import ssl

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError, SSLError

from discovery.connections.errors import HintedError, causes, one_line


class HttpError(HintedError):
    """A request that got no usable response."""


def to_http_error(error: BaseException, peer: str) -> HttpError:
    """Return the HttpError for an error of urllib3 or of a socket; `peer` is the subject of the message."""
    found = list(causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in found):
        # urllib3 wraps it in an error of the class of timeouts.
        return HttpError(f"{peer} cannot be reached: connection refused")
    for cause in found:
        if isinstance(cause, SSLError | ssl.SSLError):
            return HttpError(
                f"no TLS with {peer}: {one_line(cause)}",
                "name its certificate authority in tls.ca, or use the scheme that it speaks",
            )
        if isinstance(cause, TimeoutError):
            return HttpError(f"{peer} does not respond in time")
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError) and not isinstance(
        error, NewConnectionError
    ):
        return HttpError(f"{peer} does not respond in time")
    return HttpError(f"{peer} cannot be reached: {one_line(error)}")
