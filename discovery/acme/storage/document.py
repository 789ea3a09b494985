"""The contents of `acme.json`, in the format of Traefik 2 and 3 or in that of Traefik 1: text in, values out.

Traefik 3 has an object for each resolver: `{"le": {"Account": {…}, "Certificates": [{"domain": …}, …]}}`.
Traefik 1 has the account and the certificates of its one resolver at the top, and capitals in other places.
Go reads keys in any case. Binary values are in base64: PEM for certificates and their keys, DER for the
account's key. What Rondpoint does not know stays in the document, so the way back to Traefik loses nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from discovery.acme.storage.account_key import AccountKeyError, account_key_as_der, account_key_as_pem
from rondpoint.tls.model import TlsDomain

_GO_KEY_TYPES = {"EC256": "P256", "EC384": "P384", "RSA2048": "2048", "RSA4096": "4096", "RSA8192": "8192"}
"""The names of key types in the field `KeyType` of accounts, which Traefik 2 reads."""


class DocumentError(ValueError):
    """The text is not what Traefik writes; the message says in which way."""


class StoredAccount(Struct, frozen=True):
    """An account: its private key as PEM, and its URL if it is registered."""

    key: str
    url: str = ""
    email: str = ""

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"StoredAccount({self.url!r})"


class StoredCertificate(Struct, frozen=True):
    """A certificate for the names of `domain`: chain (itself first) and private key, as PEM."""

    domain: TlsDomain
    chain: str
    key: str

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"StoredCertificate({self.domain!r})"


class ResolverEntry(Struct, frozen=True):
    """What a document has for one resolver; `faults` name what could not be read."""

    account: StoredAccount | None = None
    certificates: tuple[StoredCertificate, ...] = ()
    faults: tuple[str, ...] = ()


class Document(Struct, frozen=True):
    """A document: its JSON objects by resolver, or the one of Traefik 1, which is for every resolver."""

    entries: Mapping[str, Any] = field(default_factory=dict)
    of_traefik_1: bool = False


def parse(text: str) -> Document:
    """Return the document; an empty text is an empty one. Raises DocumentError."""
    if not text.strip():
        return Document()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from None
    if content is None:
        return Document()
    if not isinstance(content, dict):
        raise DocumentError("it is not a JSON object")
    if _is_of_traefik_1(content):
        return Document(content, of_traefik_1=True)
    for name, entry in content.items():
        if entry is not None and not isinstance(entry, dict):
            raise DocumentError(f"{name!r} is neither a resolver nor a part of Traefik 1's format")
    return Document(content)


def read_entry(document: Document, resolver: str) -> ResolverEntry:
    """Return the account and the certificates of a resolver, without those that cannot be read."""
    entry = document.entries if document.of_traefik_1 else document.entries.get(resolver)
    if not isinstance(entry, dict):
        return ResolverEntry()
    faults: list[str] = []
    account = _read_account(_get(entry, "account"), faults)
    certificates = []
    for position, item in enumerate(_list(_get(entry, "certificates"))):
        certificate = _read_certificate(item)
        if certificate is None:
            faults.append(f"certificate {position + 1} of {resolver} cannot be read")
        else:
            certificates.append(certificate)
    return ResolverEntry(account, tuple(certificates), tuple(faults))


def with_entry(
    document: Document,
    resolver: str,
    account: StoredAccount | None,
    certificates: Sequence[StoredCertificate],
    key_type: str = "",
) -> Document:
    """Return the document with this account and these certificates for a resolver, in the same format.

    An unchanged account keeps its registration as it is written, and so do certificates that could not be
    read. Without an account, the present one stays.
    """
    present = document.entries if document.of_traefik_1 else document.entries.get(resolver)
    entry = dict(present) if isinstance(present, dict) else {}
    if account is not None and read_entry(document, resolver).account != account:
        entry = _set(entry, "Account", _format_account(account, key_type))
    kept = [item for item in _list(_get(entry, "certificates")) if _read_certificate(item) is None]
    stores = {_names(item): _get(item, "store") for item in _list(_get(entry, "certificates"))}
    written = [_format_certificate(each, document.of_traefik_1, stores) for each in certificates]
    entry = _set(entry, "Certificates", [*written, *kept])
    return Document(entry, True) if document.of_traefik_1 else Document({**document.entries, resolver: entry})


def render(document: Document) -> str:
    """Return the document as text, with Traefik's indentation."""
    return json.dumps(document.entries, indent=2, ensure_ascii=False)


def _is_of_traefik_1(content: Mapping[str, Any]) -> bool:
    has_account = _get(_get(content, "account"), "privatekey") is not None
    return has_account or isinstance(_get(content, "certificates"), list)


def _read_account(item: Any, faults: list[str]) -> StoredAccount | None:
    encoded = _get(item, "privatekey")
    if not encoded:
        return None
    try:
        key = account_key_as_pem(_decode(encoded))
    except (AccountKeyError, ValueError) as error:
        faults.append(f"the private key of the account cannot be read: {error}")
        return None
    url = _get(_get(item, "registration"), "uri")
    email = _get(item, "email")
    return StoredAccount(key, url if isinstance(url, str) else "", email if isinstance(email, str) else "")


def _format_account(account: StoredAccount, key_type: str) -> dict[str, Any]:
    contact = {"contact": [f"mailto:{account.email}"]} if account.email else {}
    registration = {"body": {"status": "valid", **contact}, "uri": account.url} if account.url else None
    return {
        "Email": account.email,
        "Registration": registration,
        "PrivateKey": base64.b64encode(account_key_as_der(account.key)).decode(),
        "KeyType": _GO_KEY_TYPES.get(key_type, "4096"),
    }


def _read_certificate(item: Any) -> StoredCertificate | None:
    names = _names(item)
    if not names:
        return None
    try:
        chain, key = (_decode(_get(item, name)).decode("ascii") for name in ("certificate", "key"))
    except ValueError:
        return None
    if not chain.strip() or not key.strip():
        return None
    return StoredCertificate(TlsDomain(names[0], names[1:]), chain, key)


def _format_certificate(
    certificate: StoredCertificate, of_traefik_1: bool, stores: Mapping[tuple[str, ...], Any]
) -> dict[str, Any]:
    names = certificate.domain.names
    chain, key = (base64.b64encode(text.encode()).decode() for text in (certificate.chain, certificate.key))
    if of_traefik_1:
        return {
            "Domain": {"Main": names[0], "SANs": list(names[1:]) or None},
            "Certificate": chain,
            "Key": key,
        }
    domain: dict[str, Any] = {"main": names[0], **({"sans": list(names[1:])} if names[1:] else {})}
    return {"domain": domain, "certificate": chain, "key": key, "Store": stores.get(names) or "default"}


def _names(item: Any) -> tuple[str, ...]:
    """Return the names of a certificate, each once, the main one first."""
    domain = _get(item, "domain")
    names = [_get(domain, "main"), *_list(_get(domain, "sans"))]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def _decode(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("it is no text")  # noqa: TRY004 - callers handle one kind of error
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _get(item: Any, key: str) -> Any:
    """Return the value of a key, given in lower case; None if this is no object or has no such key."""
    if not isinstance(item, dict):
        return None
    return next((value for name, value in item.items() if name.lower() == key), None)


def _set(item: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the object with another value for a key, in whatever case it has that."""
    name = next((name for name in item if name.lower() == key.lower()), key)
    return {**item, name: value}
