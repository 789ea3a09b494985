"""Compiles `tls` options for connections to auxiliary servers, as in Traefik 3."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

_PEM = "-----BEGIN"


def client_context(options: Mapping[str, Any] | None) -> ssl.SSLContext:
    """Return the context for these options; None means the system's authorities, without client certificate.

    `ca`, `cert` and `key` are names of files, or their contents. Raises ValueError.
    """
    options = options or {}
    try:
        return _create_context(options)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"its TLS options cannot be used: {error}") from None


def _create_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    authorities = options.get("ca")
    if authorities and _PEM in authorities:
        context = ssl.create_default_context(cadata=authorities)
    else:
        context = ssl.create_default_context(cafile=authorities or None)
    if options.get("insecureSkipVerify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = options.get("cert"), options.get("key")
    if bool(certificate) != bool(key):
        raise ValueError("its TLS options need both `cert` and `key`, or neither")
    if certificate and key:
        with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
            context.load_cert_chain(certificate_file, key_file, password=_refuse_password)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _refuse_password() -> str:
    # Without this, OpenSSL would ask for it on the terminal, and the worker would wait.
    raise ValueError("the key of the client certificate is encrypted")


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Yield the name of a file with this content; any text but PEM is a name already."""
    if _PEM not in text:
        yield text
        return
    # OpenSSL reads certificates of clients from files only. Nobody else may read this one.
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name
