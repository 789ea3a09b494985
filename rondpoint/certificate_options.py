"""Certificates and keys in options: PEM text, or the name of a file."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

_SHORTEST_KEY = 44
"""The characters of 32 bytes in base64, in which there are no dots."""


def is_pem(text: str) -> bool:
    """Return whether the value of an option is PEM text; otherwise it is the name of a file."""
    return "-----BEGIN" in text


def may_be_shown(text: str) -> bool:
    """Return whether messages may quote the value of an option: it is the name of a file, and no key.

    A key that lost its first line, or is in base64 without any lines, is taken for the name of a file.
    """
    if is_pem(text) or "\n" in text:
        return False
    # Keys begin with the byte of a sequence in DER, which is an M in base64.
    return text.startswith("/") or "." in text or len(text) < _SHORTEST_KEY


def load_authority(context: ssl.SSLContext, authority: str) -> None:
    """Trust certificates in PEM, or in the file of this name. Raises ValueError: `NAME cannot be used: …`."""
    try:
        if is_pem(authority):
            context.load_verify_locations(cadata=authority)
        else:
            context.load_verify_locations(cafile=authority)
    except (OSError, UnicodeError) as error:
        shown = "in PEM" if is_pem(authority) else authority
        raise ValueError(f"{shown} cannot be used: {describe_fault(error)}") from None


def describe_fault(error: Exception) -> str:
    """Return why OpenSSL or the system could not use a file."""
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def as_file(text: str) -> Iterator[str]:
    """Yield the name of a file with this PEM text; any other text is a name already."""
    if not is_pem(text):
        yield text
        return
    # OpenSSL reads certificates of clients from files only. Nobody else may read this one.
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


def refuse_password() -> str:
    """Raise ValueError, in place of a password for an encrypted key."""
    # Without this, OpenSSL would ask for it on the terminal, and the process would wait.
    raise ValueError("the key of the client certificate is encrypted")
