"""Tokens and users of the admin entry point; checks the credentials in an `Authorization` header."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator

from proxy.authentication.passwords import is_supported_hash, matches
from proxy.authentication.remembered_passwords import RememberedPasswords
from rondpoint.settings import Api

STRONG_TOKEN_LENGTH = 32
"""Characters of a token that is too long to guess, as `openssl rand -hex 16` generates it."""

MIN_DIFFERENT_CHARACTERS = 8
"""Minimum number of different characters in such a token."""

BEARER = 'Bearer realm="rondpoint"'
"""The challenge for a token; it does not make a browser open its password dialog."""

TOKEN_USER = "token"  # noqa: S105 (the user name of changes made with the token)


def bearer(authorization: str) -> str:
    """Return the bearer token of an `Authorization` header, or an empty string."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class CredentialError(ValueError):
    """The token or the users in the settings are unusable."""


class Credentials:
    """The token and the users in the settings.

    `verify` runs the slow comparison of passwords, for example in a thread so that it does not block others.
    """

    def __init__(
        self, api: Api, verify: Callable[[Callable[[], bool]], bool] = lambda compare: compare()
    ) -> None:
        """Read the token and the users. Raises CredentialError."""
        self.token = _token(api).encode()
        self._users = dict(_users(api))
        # An unknown name must take as long as a known one, so that response times do not reveal names.
        self._decoy_hash = next(iter(self._users.values()), "")
        self._verify = verify
        self._remembered = RememberedPasswords()

    @property
    def has_users(self) -> bool:
        return bool(self._users)

    @property
    def challenges(self) -> str:
        """The `WWW-Authenticate` value for a client without credentials."""
        challenges = ['Basic realm="rondpoint", charset="UTF-8"'] if self._users else []
        return ", ".join([*challenges, BEARER] if self.token else challenges)

    def token_matches(self, token: str) -> bool:
        """Compare a token in constant time; return False if no token is set."""
        return bool(self.token) and hmac.compare_digest(token.encode(errors="replace"), self.token)

    @property
    def has_strong_token(self) -> bool:
        """Whether the token is too long to guess, so that attempts need no limit."""
        return len(self.token) >= STRONG_TOKEN_LENGTH and len(set(self.token)) >= MIN_DIFFERENT_CHARACTERS

    def authenticate(self, authorization: str) -> str | None:
        """Return the user of an `Authorization` header, or None for wrong credentials."""
        if token := bearer(authorization):
            return TOKEN_USER if self.token_matches(token) else None
        scheme, _, encoded = authorization.partition(" ")
        return self._basic(encoded.strip()) if scheme.lower() == "basic" else None

    def _basic(self, encoded: str) -> str | None:
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            # It is no base64, no ASCII, or no UTF-8 inside.
            return None
        if not colon or not self._users:
            return None
        hashed = self._users.get(name)
        if hashed is None:
            self._verify(lambda: matches(password, self._decoy_hash))
            return None
        digest = self._remembered.digest(password.encode(), hashed)
        if digest not in self._remembered:
            if not self._verify(lambda: matches(password, hashed)):
                return None
            self._remembered.add(digest)
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


def _parse_user(line: str, source: str) -> tuple[str, str]:
    # The line is a secret; errors name only the user.
    name, colon, hashed = line.partition(":")
    if not colon or not name:
        raise CredentialError(f"{source}: expected users as NAME:HASH, as htpasswd writes them")
    if not is_supported_hash(hashed):
        raise CredentialError(
            f"{source}: the hash of {name} is unusable: expected bcrypt, MD5 or SHA-1, "
            "as htpasswd -B writes it"
        )
    return name, hashed
