"""Tokens and users of the admin entry point, and whom an `Authorization` header shows."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Iterator
from hashlib import blake2b
from time import monotonic

from proxy.authentication.passwords import is_supported_hash, matches
from rondpoint.settings import Api

REMEMBER_SECONDS = 60.0
"""Seconds in which a password that was right is not looked at again: that takes long by design."""

MAX_REMEMBERED = 100

STRONG_TOKEN_LENGTH = 32
"""Characters of a token that nobody guesses, however often he may try: those of `openssl rand -hex 16`."""

MIN_DIFFERENT_CHARACTERS = 8
"""Different ones among them, at least."""

BEARER = 'Bearer realm="rondpoint"'
"""What asks for a token; a browser does not ask its user for a password then."""

TOKEN_USER = "token"  # noqa: S105 (whom changes are said to be by)


def bearer(authorization: str) -> str:
    """The token in this header; empty where there is none."""
    scheme, _, shown = authorization.partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


class CredentialError(ValueError):
    """A token or users that cannot be used."""


class Credentials:
    """`verify` runs the slow comparison of passwords, which is to block nobody else."""

    def __init__(
        self, api: Api, verify: Callable[[Callable[[], bool]], bool] = lambda compare: compare()
    ) -> None:
        """Raises CredentialError."""
        self.token = _token(api).encode()
        self._users = dict(_users(api))
        # Whoever asks for a name that is not there is to wait as long for the answer.
        self._decoy = next(iter(self._users.values()), "")
        self._verify = verify
        self._secret = os.urandom(32)
        self._verified: dict[bytes, float] = {}

    @property
    def has_users(self) -> bool:
        return bool(self._users)

    @property
    def challenges(self) -> str:
        """What a client without any is told to show."""
        told = ['Basic realm="rondpoint", charset="UTF-8"'] if self._users else []
        return ", ".join([*told, BEARER] if self.token else told)

    def token_matches(self, shown: str) -> bool:
        """Whether it is the token, said after the same time whatever is wrong with it; never without one."""
        return bool(self.token) and hmac.compare_digest(shown.encode(errors="replace"), self.token)

    @property
    def has_strong_token(self) -> bool:
        """Whether the token is so long that the number of guesses need not be limited."""
        return len(self.token) >= STRONG_TOKEN_LENGTH and len(set(self.token)) >= MIN_DIFFERENT_CHARACTERS

    def authenticate(self, authorization: str) -> str | None:
        """Who shows this header; None for nobody known."""
        if token := bearer(authorization):
            return TOKEN_USER if self.token_matches(token) else None
        scheme, _, shown = authorization.partition(" ")
        return self._basic(shown.strip()) if scheme.lower() == "basic" else None

    def _basic(self, shown: str) -> str | None:
        try:
            name, colon, password = base64.b64decode(shown, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon or not self._users:
            return None
        hashed = self._users.get(name)
        key = blake2b(f"{name}\0{password}".encode(), key=self._secret, digest_size=32).digest()
        now = monotonic()
        if self._verified.get(key, 0.0) > now:
            return name
        if not self._verify(lambda: matches(password, hashed or self._decoy)) or hashed is None:
            return None
        if len(self._verified) >= MAX_REMEMBERED:
            self._verified.clear()
        self._verified[key] = now + REMEMBER_SECONDS
        return name


def _token(api: Api) -> str:
    if api.token_file is None:
        return api.token
    try:
        token = api.token_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"api.tokenFile: {api.token_file} cannot be read: {error}") from None
    if not token:
        raise CredentialError(f"api.tokenFile: {api.token_file} is empty")
    return token


def _users(api: Api) -> Iterator[tuple[str, str]]:
    for line in api.basic_auth.users:
        yield _parse_user(line, "api.basicAuth.users")
    file = api.basic_auth.users_file
    if file is None:
        return
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"api.basicAuth.usersFile: {file} cannot be read: {error}") from None
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            yield _parse_user(line, f"api.basicAuth.usersFile: {file}")


def _parse_user(line: str, place: str) -> tuple[str, str]:
    # The line is a secret, and the name alone is told.
    name, colon, hashed = line.partition(":")
    if not colon or not name:
        raise CredentialError(f"{place}: expected users as NAME:HASH, as htpasswd writes them")
    if not is_supported_hash(hashed):
        raise CredentialError(
            f"{place}: the hash of {name} is none that can be used: expected bcrypt, MD5 or SHA-1, "
            "as htpasswd -B writes it"
        )
    return name, hashed
