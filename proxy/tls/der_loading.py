"""Loads keys and certificates into TLS contexts with OpenSSL's functions for DER.

The module ssl loads PEM files only. OpenSSL 3.0 then tries its decoders for all types of keys, and decodes
the certificates of the issuers again for each context, though thousands have the same issuers.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ISSUER_CHAINS = 32
"""The number of different issuer chains that are kept decoded; an authority has some ten."""

_KEY_NUMBERS = {"RSA": 6, "EC": 408, "Ed25519": 1087}
"""OpenSSL's numbers for types of keys (EVP_PKEY_RSA and so on of its evp.h)."""

_SET_CHAIN, _ADD_TO_CHAIN = 88, 89
"""SSL_CTRL_CHAIN and SSL_CTRL_CHAIN_CERT of OpenSSL's ssl.h."""
_KEEP_OWN_REFERENCE = 1

_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----\s*")
_CERTIFICATE = "CERTIFICATE"
_KEYS = ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY")


class DerLoader:
    """Loads certificates through the functions of `library`. Raises AttributeError if one is missing.

    `control` is SSL_CTX_ctrl. `decoded` counts the issuer chains that were decoded.
    """

    def __init__(
        self, library: ctypes.CDLL, control: Callable[[int | None, int, int, int | None], int]
    ) -> None:
        pointer, number, long, data = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p
        self._control = control
        self._use_certificate = library.SSL_CTX_use_certificate_ASN1
        self._use_certificate.argtypes = [pointer, number, data]
        self._use_key = library.SSL_CTX_use_PrivateKey_ASN1
        self._use_key.argtypes = [number, pointer, data, long]
        self._check_key = library.SSL_CTX_check_private_key
        self._check_key.argtypes = [pointer]
        self._decode = library.d2i_X509
        self._decode.argtypes = [pointer, ctypes.POINTER(data), long]
        self._decode.restype = pointer
        self._free = library.X509_free
        self._free.argtypes = [pointer]
        self._free.restype = None
        self._clear_errors = library.ERR_clear_error
        self._clear_errors.argtypes = []
        self._clear_errors.restype = None
        self.decoded = 0
        self._issuers = lru_cache(MAX_ISSUER_CHAINS)(self._decode_issuers)

    def load(self, address: int | None, chain: str, key: str, key_type: str) -> bool:
        """Make the context at `address` present this certificate; return whether it does.

        `chain` and `key` are PEM text, `key_type` is that of the model (`EC256`). If the result is False,
        load a file instead: that accepts more, and says what is wrong.
        """
        number = _KEY_NUMBERS.get(key_type) or _KEY_NUMBERS.get(key_type.rstrip("0123456789"))
        leaf = _BLOCK.match(chain)
        found = _BLOCK.match(key)
        if number is None or leaf is None or found is None:
            return False
        if leaf[1] != _CERTIFICATE or found[1] not in _KEYS:
            return False
        try:
            certificate, secret = base64.b64decode(leaf[2]), base64.b64decode(found[2])
            issuers = self._issuers(chain[leaf.end() :])
        except (binascii.Error, ValueError):
            return False
        loaded = (
            self._use_certificate(address, len(certificate), certificate) == 1
            and self._use_key(number, address, secret, len(secret)) == 1
            and self._check_key(address) == 1
            and self._control(address, _SET_CHAIN, 0, None) == 1
            and all(
                self._control(address, _ADD_TO_CHAIN, _KEEP_OWN_REFERENCE, issuer.address) == 1
                for issuer in issuers
            )
        )
        if not loaded:
            # The module ssl would take them for errors of its own next call.
            self._clear_errors()
        return loaded

    def _decode_issuers(self, chain: str) -> tuple[_DecodedCertificate, ...]:
        """Return the certificates in PEM text. Raises ValueError if there is anything else."""
        self.decoded += 1
        issuers = []
        position = 0
        while position < len(chain):
            block = _BLOCK.match(chain, position)
            if block is None or block[1] != _CERTIFICATE:
                raise ValueError("no certificate")
            position = block.end()
            data = base64.b64decode(block[2])
            start = ctypes.c_char_p(data)
            address = self._decode(None, ctypes.byref(start), len(data))
            if address is None:
                self._clear_errors()
                raise ValueError("a certificate that cannot be decoded")
            issuers.append(_DecodedCertificate(address, self._free))
        return tuple(issuers)


class _DecodedCertificate:
    """A certificate in OpenSSL's memory; contexts that present it keep it there."""

    def __init__(self, address: int, free: Callable[[int], None]) -> None:
        self.address = address
        self._free = free

    def __del__(self) -> None:
        self._free(self.address)
