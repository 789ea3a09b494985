"""Says why a connection to a server failed, or that this machine is to blame."""

from __future__ import annotations

import errno
import os
import socket
import ssl

_LOCAL_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class UndecidedError(Exception):
    """The check could not be made because of a fault of this machine, so it says nothing about the server."""


def connection_fault(error: OSError, timeout: float) -> str:
    """Return why the server is down; `timeout` is that of the check, in seconds. Raises UndecidedError."""
    if error.errno in _LOCAL_FAULTS:
        raise UndecidedError(os.strerror(error.errno)) from error
    if isinstance(error, TimeoutError) and not error.errno:
        return f"no response within {timeout:g} s"
    return _describe(error)


def _describe(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved: {error.strerror}"
    if not error.errno:
        return str(error) or "the connection was lost"
    words = os.strerror(error.errno)
    return words[:1].lower() + words[1:]
