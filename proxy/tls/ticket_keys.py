"""Sets the keys that encrypt session tickets, for which the module ssl has no function.

The function SSL_CTX_ctrl of the OpenSSL that the module ssl uses is called directly. Where the context stands
in memory is known for the versions of CPython that were tried. What was set is read back once; if anything
differs, tickets stay as OpenSSL makes them, and hold for one worker only.
"""

from __future__ import annotations

import _ssl
import ctypes
import logging
import ssl
import sys
import sysconfig
from collections.abc import Callable
from functools import cache

log = logging.getLogger(__name__)

KEY_BYTES = 80
"""The length of a name, an HMAC key and an AES-256 key together, in OpenSSL 1.1.1 and 3."""

SetKeys = Callable[[ssl.SSLContext, bytes], None]

_TRIED = ((3, 8), (3, 13))
"""The first and the last version of CPython for which the place of the context is known."""
_GET, _SET = 58, 59
"""SSL_CTRL_GET_TLSEXT_TICKET_KEYS and SSL_CTRL_SET_TLSEXT_TICKET_KEYS of OpenSSL's ssl.h."""


@cache
def ticket_key_setter() -> SetKeys | None:
    """Return the function that sets KEY_BYTES of keys in a context; None if this Python has no way to."""
    if not _is_known_python():
        return None
    try:
        control = ctypes.CDLL(getattr(_ssl, "__file__", None)).SSL_CTX_ctrl
    except (OSError, AttributeError) as error:
        log.info("session tickets hold for one worker: %s", error)
        return None
    control.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    control.restype = ctypes.c_long

    def set_keys(context: ssl.SSLContext, keys: bytes) -> None:
        control(_address_of(context), _SET, KEY_BYTES, keys)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sample = bytes(range(KEY_BYTES))
    seen = ctypes.create_string_buffer(KEY_BYTES)
    if control(_address_of(context), _SET, 0, None) == KEY_BYTES:
        set_keys(context, sample)
        control(_address_of(context), _GET, KEY_BYTES, seen)
    if seen.raw != sample:
        log.info("session tickets hold for one worker: OpenSSL does not keep the keys that were set")
        return None
    return set_keys


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
