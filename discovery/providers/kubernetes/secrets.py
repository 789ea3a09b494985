"""Reads the secrets and config maps that objects name: certificates, authorities and users.

Each function returns the contents, or raises ContentsFault, which says why there are none. Contents must be
PEM text where a certificate is expected: anything else would be taken for the name of a file of the agent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.providers.kubernetes.core_objects import Secret, read_config_map, read_secret
from discovery.providers.kubernetes.lookup import Place
from rondpoint.certificate_options import is_pem

_BASIC_AUTH = "kubernetes.io/basic-auth"
_AUTHORITIES = ("tls.ca", "ca.crt")
_URN = "urn:k8s:secret:"


class ContentsFault(ValueError):  # noqa: N818 - what a user wrote is a fault, not an error of ours
    """A secret or config map does not exist, or lacks what is needed; `hint` says what it should have."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def report(self, section: Section, option: str, effect: str) -> None:
        """Report the fault at an option, with its effect."""
        section.report.error(f"{section.report.at(section.key(option))}: {self}, so {effect}", self.hint)


def read_key_pair(name: str, place: Place) -> WrittenPair:
    """Return the certificate and key in the secret of this name, as PEM texts that nobody has checked yet."""
    secret = _find_secret(name, place)
    where = f"secret {place.namespace}/{name}"
    missing = [entry for entry in ("tls.crt", "tls.key") if not is_pem(secret.data.get(entry, ""))]
    if missing:
        raise ContentsFault(
            f"the {where} has no {' and no '.join(missing)} in PEM", "create it by kubectl create secret tls"
        )
    return WrittenPair(where, secret.data["tls.crt"], secret.data["tls.key"])


def read_authority(name: str, place: Place) -> str:
    """Return the certificates of authorities in the secret of this name.

    A secret with a single entry may call it as it likes.
    """
    data = _find_secret(name, place).data
    only = next(iter(data.values())) if len(data) == 1 else ""
    return _authority(data, f"secret {place.namespace}/{name}", only)


def read_authority_of_config_map(name: str, place: Place) -> str:
    """Return the certificates of authorities in the config map of this name."""
    where = f"config map {place.namespace}/{name}"
    data = read_config_map(place.cluster.find("ConfigMap", place.namespace, name))
    if data is None:
        raise ContentsFault(f"the {where} does not exist")
    return _authority(data, where)


def read_users(name: str, place: Place, *, may_be_pair: bool) -> list[str]:
    """Return the lines of the only entry of the secret: `NAME:HASH`, or `NAME:REALM:HASH`.

    If it `may_be_pair`, a secret of the type `kubernetes.io/basic-auth` has `username` and `password`.
    """
    secret = _find_secret(name, place)
    where = f"secret {place.namespace}/{name}"
    if may_be_pair and secret.type == _BASIC_AUTH:
        if not secret.data.get("username") or "password" not in secret.data:
            raise ContentsFault(f"the {where} lacks username or password")
        # Only this hash of htpasswd needs no salt, so the same secret gives the same middleware.
        digest = hashlib.sha1(secret.data["password"].encode(), usedforsecurity=False).digest()
        return [f"{secret.data['username']}:{{SHA}}{base64.b64encode(digest).decode()}"]
    if len(secret.data) != 1:
        message = f"the {where} has {len(secret.data)} entries"
        raise ContentsFault(message, "expected one entry with the users, one a line")
    users = [line.strip() for line in next(iter(secret.data.values())).splitlines() if line.strip()]
    if not users:
        raise ContentsFault(f"the {where} names no users")
    return users


def read_credentials(name: str, place: Place) -> Mapping[str, str]:
    """Return all entries of the secret of this name."""
    return _find_secret(name, place).data


def replace_secret_urns(value: object, place: Place) -> object:
    """Return a tree with the contents of secrets in place of `urn:k8s:secret:NAME:ENTRY`."""
    if isinstance(value, Mapping):
        return {name: replace_secret_urns(item, place) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_secret_urns(item, place) for item in value]
    if not isinstance(value, str) or not value.startswith(_URN):
        return value
    name, colon, entry = value.removeprefix(_URN).partition(":")
    if not colon or ":" in entry:
        raise ContentsFault(f"{value} is not valid", f"expected {_URN}NAME:ENTRY")
    data = _find_secret(name, place).data
    if entry not in data:
        raise ContentsFault(f"the secret {place.namespace}/{name} has no entry {entry}")
    return data[entry]


def _find_secret(name: str, place: Place) -> Secret:
    found = read_secret(place.cluster.find("Secret", place.namespace, name))
    if found is None:
        raise ContentsFault(
            f"the secret {place.namespace}/{name} does not exist",
            "create it in the same namespace; the agent's account must be allowed to read it",
        )
    return found


def _authority(data: Mapping[str, str], where: str, otherwise: str = "") -> str:
    text = next((data[entry] for entry in _AUTHORITIES if entry in data), otherwise)
    if not is_pem(text):
        raise ContentsFault(
            f"the {where} has no certificate in PEM", f"expected an entry {' or '.join(_AUTHORITIES)}"
        )
    return text
