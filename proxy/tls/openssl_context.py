"""Sets options of a TLS context for which the module ssl has no function.

Functions of the OpenSSL that the module ssl uses are called directly. Where OpenSSL's context stands in
memory is known for the versions of CPython that were tried. What was set is read back once; if anything
differs, there is no such access: session tickets then hold for one worker only, and TLS options that need it
are not served.
"""

from __future__ import annotations

import _ssl
import ctypes
import logging
import os
import ssl
import sys
import sysconfig
from functools import cache

from proxy.tls.der_loading import DerLoader

log = logging.getLogger(__name__)

KEY_BYTES = 80
"""The length of a name, an HMAC key and an AES-256 key together, in OpenSSL 1.1.1 and 3."""

_TRIED = ((3, 8), (3, 13))
"""The first and the last version of CPython for which the place of the context is known."""
_GET_TICKET_KEYS, _SET_TICKET_KEYS = 58, 59
"""SSL_CTRL_GET_TLSEXT_TICKET_KEYS and SSL_CTRL_SET_TLSEXT_TICKET_KEYS of OpenSSL's ssl.h."""
_SET_MODE, _NO_AUTO_CHAIN = 33, 8
"""SSL_CTRL_MODE and SSL_MODE_NO_AUTO_CHAIN."""
_SET_GROUPS = 92
"""SSL_CTRL_SET_GROUPS_LIST."""
_SET_SESSION_CACHE_MODE, _CACHE_OFF = 44, 0
"""SSL_CTRL_SET_SESS_CACHE_MODE and SSL_SESS_CACHE_OFF."""
_MAX_SESSION_SCOPE = 32
"""SSL_MAX_SID_CTX_LENGTH."""

_VerifyCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class OpenSsl:
    """Access to the contexts of the module ssl. Raises OSError or AttributeError if a function is missing."""

    def __init__(self) -> None:
        library = ctypes.CDLL(getattr(_ssl, "__file__", None))
        pointer, number = ctypes.c_void_p, ctypes.c_int
        self._control = library.SSL_CTX_ctrl
        self._control.argtypes = [pointer, number, ctypes.c_long, pointer]
        self._control.restype = ctypes.c_long
        self._set_suites = library.SSL_CTX_set_ciphersuites
        self._set_suites.argtypes = [pointer, ctypes.c_char_p]
        self._set_session_id_context = library.SSL_CTX_set_session_id_context
        self._set_session_id_context.argtypes = [pointer, ctypes.c_char_p, ctypes.c_uint]
        self._set_verify_callback = library.SSL_CTX_set_cert_verify_callback
        self._set_verify_callback.argtypes = [pointer, _VerifyCallback, pointer]
        self._set_verify_callback.restype = None
        self._load_authorities = library.SSL_load_client_CA_file
        self._load_authorities.argtypes = [ctypes.c_char_p]
        self._load_authorities.restype = pointer
        self._set_authorities = library.SSL_CTX_set_client_CA_list
        self._set_authorities.argtypes = [pointer, pointer]
        self._set_authorities.restype = None
        self._der_loader = DerLoader(library, self._control)

    def load_certificate(self, context: ssl.SSLContext, chain: str, key: str, key_type: str) -> bool:
        """Make `context` present this certificate; return whether it does, see DerLoader."""
        return self._der_loader.load(_address_of(context), chain, key, key_type)

    @property
    def issuer_chains_decoded(self) -> int:
        """The number of issuer chains that were decoded, each for all contexts that present it."""
        return self._der_loader.decoded

    def set_ticket_keys(self, context: ssl.SSLContext, keys: bytes) -> None:
        """Set the keys that encrypt session tickets; they have KEY_BYTES."""
        self._control(_address_of(context), _SET_TICKET_KEYS, KEY_BYTES, keys)

    def read_ticket_keys(self, context: ssl.SSLContext) -> bytes:
        """Return the keys that encrypt session tickets; empty if OpenSSL gives none of KEY_BYTES."""
        address = _address_of(context)
        if self._control(address, _SET_TICKET_KEYS, 0, None) != KEY_BYTES:
            return b""
        keys = ctypes.create_string_buffer(KEY_BYTES)
        self._control(address, _GET_TICKET_KEYS, KEY_BYTES, keys)
        return keys.raw

    def set_groups(self, context: ssl.SSLContext, names: str) -> bool:
        """Set the groups of the key exchange, in OpenSSL's names; return whether OpenSSL has all of them."""
        return bool(self._control(_address_of(context), _SET_GROUPS, 0, names.encode()))

    def set_suites(self, context: ssl.SSLContext, names: str) -> None:
        """Set the cipher suites of TLS 1.3, the preferred ones first; the module ssl sets older ones only."""
        self._set_suites(_address_of(context), names.encode())

    def send_given_chains(self, context: ssl.SSLContext) -> None:
        """Send certificates of issuers only if they were loaded, without a search in each handshake."""
        self._control(_address_of(context), _SET_MODE, _NO_AUTO_CHAIN, None)

    def limit_sessions(self, context: ssl.SSLContext, scope: bytes) -> None:
        """Resume only sessions that began in a context with the same `scope`, of 32 bytes at most."""
        if not self._set_session_id_context(_address_of(context), scope, len(scope)):
            raise ValueError(f"the scope has more than {_MAX_SESSION_SCOPE} bytes")

    def keep_no_sessions(self, context: ssl.SSLContext) -> None:
        """Keep no sessions in memory for clients that would resume them without a ticket."""
        self._control(_address_of(context), _SET_SESSION_CACHE_MODE, _CACHE_OFF, None)

    def accept_any_client_certificate(self, context: ssl.SSLContext) -> None:
        """Verify no client's certificate, only that the client has its private key."""
        self._set_verify_callback(_address_of(context), _ACCEPT, None)

    def name_client_authorities(self, context: ssl.SSLContext, path: str) -> None:
        """Tell clients the names of the certificates in a file, so that they can choose their own."""
        names = self._load_authorities(os.fsencode(path))
        if names:
            self._set_authorities(_address_of(context), names)


@cache
def openssl() -> OpenSsl | None:
    """Return the access to OpenSSL's contexts; None if this Python has no way to them."""
    if not _is_known_python():
        return None
    try:
        access = OpenSsl()
    except (OSError, AttributeError) as error:
        log.info("session tickets hold for one worker: %s", error)
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sample = bytes(range(KEY_BYTES))
    if access.read_ticket_keys(context):
        access.set_ticket_keys(context, sample)
    if access.read_ticket_keys(context) != sample:
        log.info("session tickets hold for one worker: OpenSSL does not keep the keys that were set")
        return None
    return access


def _accept_certificate(_store: int | None, _argument: int | None) -> int:
    return 1


# OpenSSL calls it as long as the process runs.
_ACCEPT = _VerifyCallback(_accept_certificate)


def _is_known_python() -> bool:
    first, last = _TRIED
    return (
        sys.implementation.name == "cpython"
        and first <= sys.version_info[:2] <= last
        and not sysconfig.get_config_var("Py_DEBUG")
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )


def _address_of(context: ssl.SSLContext) -> int | None:
    """Return the address of OpenSSL's context: the first field behind the header of the Python object."""
    return ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
