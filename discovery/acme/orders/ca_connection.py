"""Signed requests to one CA: JSON in, JSON out, and every failure as an OrderError."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from acme import errors, messages
from acme.client import ClientNetwork
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.b64 import b64encode
from josepy.errors import DeserializationError
from josepy.interfaces import JSONDeSerializable
from josepy.jwa import ES256, ES384, RS256, JWASignature
from josepy.jwk import JWK, JWKEC, JWKRSA

from discovery.acme.orders.failures import (
    FailureKind,
    OrderError,
    OrderFailure,
    Problem,
    failure_of,
    interrupted,
)
from discovery.acme.orders.options import CaOptions
from discovery.acme.orders.private_keys import load_key
from discovery.acme.orders.transport import CaTransport, retry_at
from rondpoint import __version__

MAX_NONCES = 10
"""Requests with a new nonce until the CA accepts one; a CA behind several machines refuses some."""
RATE_LIMIT_PAUSE = 3600.0
"""Seconds until the next request to a CA that refuses more of them and does not say for how long."""

_UNREACHABLE_HINT = "check that this machine reaches the authority; Rondpoint tries again by itself"

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")

T = TypeVar("T")


class _Payload(JSONDeSerializable):
    """A body of a request, for the library."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def to_partial_json(self) -> Any:
        return dict(self._content)

    @classmethod
    def from_json(cls, jobj: Any) -> _Payload:
        return cls(jobj)


class CaConnection:
    """Requests of one account; only one thread may use it.

    `key` is the account's private key as PEM. `stop` ends waiting between requests. Every method raises
    OrderError.
    """

    def __init__(self, options: CaOptions, key: str, stop: threading.Event) -> None:
        self.options = options
        self._stop = stop
        self._directory: messages.Directory | None = None
        try:
            self._transport = CaTransport(options)
            account_key = load_key(key)
        except ValueError as error:
            raise OrderError(OrderFailure(FailureKind.ACCOUNT, str(error))) from None
        algorithm: JWASignature = RS256
        self._key: JWK
        if isinstance(account_key, ec.EllipticCurvePrivateKey):
            algorithm = ES256 if account_key.curve.key_size == 256 else ES384
            self._key = JWKEC(key=account_key)
        else:
            self._key = JWKRSA(key=account_key)
        agent = f"rondpoint/{__version__}"
        self._network = ClientNetwork(self._key, alg=algorithm, user_agent=agent)
        for scheme in ("https://", "http://"):
            self._network.session.mount(scheme, self._transport)

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the account key (RFC 7638), in base64url."""
        return b64encode(self._key.thumbprint()).decode()

    def use_account(self, url: str) -> None:
        """Sign further requests as this account; an empty URL signs with the key alone, to find one."""
        body = messages.Registration()
        self._network.account = messages.RegistrationResource(body=body, uri=url) if url else None

    def bind_account(self, key_identifier: str, hmac_key: str) -> dict[str, Any]:
        """Return the external account binding for the account key (RFC 8555 §7.3.4).

        Raises ValueError if the key is not base64url.
        """
        key = hmac_key.rstrip("=")
        # The library skips characters that do not belong there.
        if not _BASE64URL.fullmatch(key):
            raise ValueError("the key is not base64url")
        return messages.ExternalAccountBinding.from_data(
            self._key.public_key(), key_identifier, key, self.directory
        )

    @property
    def directory(self) -> messages.Directory:
        """The CA's directory, read once."""
        if self._directory is None:
            try:
                response = self.get(self.options.directory, "its directory")
                self._directory = messages.Directory.from_json(response.json())
                self._directory["newNonce"], self._directory["newAccount"], self._directory["newOrder"]
            except (RefusedError, KeyError, TypeError, ValueError, AttributeError, DeserializationError):
                raise OrderError(
                    OrderFailure(
                        FailureKind.UNREACHABLE,
                        f"{self.options.directory} is no directory of an ACME server",
                        "correct the resolver's caServer",
                    )
                ) from None
        return self._directory

    def get(self, url: str, subject: str) -> requests.Response:
        """Return the response to an unsigned request; `subject` says for messages what it asks for."""
        return self._attempt(lambda: self._network.get(url), subject)

    def post(self, url: str, body: Mapping[str, Any] | None, subject: str) -> requests.Response:
        """Return the response to a signed request; a body of None asks for a resource (POST-as-GET)."""
        payload: Any = None if body is None else _Payload(body)
        nonces = self.directory["newNonce"]
        content_type = ClientNetwork.JOSE_CONTENT_TYPE
        for _ in range(MAX_NONCES):
            try:
                return self._attempt(
                    lambda: self._network.post(url, payload, content_type, new_nonce_url=nonces), subject
                )
            except _BadNonceError:
                continue
        raise OrderError(
            OrderFailure(
                FailureKind.UNREACHABLE, f"the authority refused {MAX_NONCES} nonces in a row for {subject}"
            )
        )

    def decode(self, response: requests.Response, kind: type[T], subject: str) -> T:
        """Return the JSON document in a response."""
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as error:
            raise OrderError(
                OrderFailure(
                    FailureKind.UNREACHABLE, f"the authority sent {subject} in a wrong form: {error}"
                )
            ) from None

    @property
    def retry_at(self) -> float:
        """When the last response wants the next request, in Unix seconds; 0 if it does not say."""
        return retry_at(self._transport.last_headers, time.time())

    def wait(self, seconds: float) -> None:
        """Wait between two requests. Raises OrderError at once if the order has to be left."""
        if self._stop.wait(max(0.0, seconds)):
            raise interrupted()

    def _attempt(self, send: Any, subject: str) -> requests.Response:
        if self._stop.is_set():
            raise interrupted()
        try:
            response: requests.Response = send()
        except messages.Error as error:
            raise self._refusal(_problem(error), subject) from None
        except errors.ConflictError:
            problem = Problem("conflict", "it exists already")
            raise self._refusal(problem, subject) from None
        except (errors.Error, requests.RequestException, DeserializationError) as network_error:
            raise self._unreachable(network_error, subject) from None
        return response

    def _refusal(self, problem: Problem, subject: str) -> Exception:
        if problem.code == "badNonce":
            return _BadNonceError()
        if self._transport.last_status == 429:
            detail = problem.detail or problem.code
            problem = Problem("rateLimited", detail, problem.name, problem.subproblems)
        return RefusedError(
            problem,
            failure_of(problem, event=f"the authority refused {subject}", retry_at=self._pause(problem.code)),
        )

    def _pause(self, code: str) -> float:
        if self.retry_at or code != "rateLimited":
            return self.retry_at
        return time.time() + RATE_LIMIT_PAUSE

    def _unreachable(self, error: Exception, subject: str) -> Exception:
        host = urlsplit(self.options.directory).netloc
        status = self._transport.last_status
        if 400 <= status < 500:
            # A refusal without a description, such as from a proxy in front of the CA.
            return self._refusal(Problem(f"status {status}"), subject)
        if status:
            hint = "this is the authority's fault, unless caServer is wrong; Rondpoint tries again by itself"
            reason = f"status {status}" if status >= 400 else _root_cause(error)
            message = f"the authority at {host} responded wrongly to {subject}: {reason}"
        else:
            reason = _root_cause(error)
            untrusted = "verify failed" in reason
            hint = "name its authority in caCertificates" if untrusted else _UNREACHABLE_HINT
            message = f"the authority at {host} cannot be reached for {subject}: {reason}"
        return OrderError(OrderFailure(FailureKind.UNREACHABLE, message, hint, (), self.retry_at))


class RefusedError(OrderError):
    """The CA refused a request; `problem` is its own description."""

    def __init__(self, problem: Problem, failure: OrderFailure) -> None:
        super().__init__(failure)
        self.problem = problem


class _BadNonceError(Exception):
    """The CA does not know the nonce; the request may be sent again with a new one."""


def _problem(error: messages.Error) -> Problem:
    name = error.identifier.value if error.identifier is not None else ""
    code = str(error.typ).rsplit(":", 1)[-1]
    inner = tuple(_problem(each) for each in error.subproblems or ())
    return Problem(code, error.detail or error.title or "", name, inner)


def _root_cause(error: BaseException) -> str:
    """Return the innermost reason: `requests` wraps what urllib3 wrapped."""
    while isinstance(error.args[0] if error.args else None, BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root_cause(reason)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
