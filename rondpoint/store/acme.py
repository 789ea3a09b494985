"""What agents keep in the store about ACME: accounts, orders under way, certificates, and their state.

Private keys are sealed (`rondpoint.store.sealing`). Proxies read only the states and the challenges.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys
from rondpoint.tls.model import TlsDomain

logger = logging.getLogger(__name__)

CHALLENGE_TTL = 3600
"""Seconds after which a challenge that nobody has removed expires."""


class AcmeAccount(Struct, frozen=True, omit_defaults=True, gc=False):
    """The account of a resolver: the URL of the authority's directory, the private key as PEM, its own URL.

    It is not registered yet if `url` is empty.
    """

    directory: str
    key: str
    url: str = ""
    email: str = ""

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"AcmeAccount({self.url or self.directory!r})"


class AcmeCertificate(Struct, frozen=True, omit_defaults=True, gc=False):
    """A certificate that a resolver has obtained: its chain (itself first) and its private key as PEM.

    `obtained_at` is in Unix seconds, or 0 if it comes from a file.
    """

    resolver: str
    domain: TlsDomain
    chain: str
    key: str
    obtained_at: float = 0.0

    def __repr__(self) -> str:
        return f"AcmeCertificate({self.resolver!r}, {self.domain!r})"


class AcmeOrder(Struct, frozen=True, omit_defaults=True, gc=False):
    """An order that the authority knows; with it, another leader gets the certificate without a second one.

    `key` is the private key of the certificate as PEM, `began_at` in Unix seconds.
    """

    resolver: str
    domain: TlsDomain
    url: str
    key: str
    began_at: float = 0.0

    def __repr__(self) -> str:
        return f"AcmeOrder({self.url!r})"


class AcmeState(Struct, frozen=True, omit_defaults=True, gc=False):
    """What comes next for the certificate of a resolver and a domain, and what went wrong.

    All times are in Unix seconds, 0 for none. `renew_at`: when it is renewed. `ask_at`: when the authority is
    asked for the time of renewal again; `explanation` is its page about that. `next_attempt`: when an order
    is tried again after `failures` in a row, the last of them at `failed_at`; `error` and `hint` are for
    people. `ordering`: an order is under way.
    """

    resolver: str
    domain: TlsDomain
    renew_at: float = 0.0
    ask_at: float = 0.0
    explanation: str = ""
    next_attempt: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    error: str = ""
    hint: str = ""
    ordering: bool = False


_state_decoder = msgspec.json.Decoder(AcmeState)


def certificate_id(resolver: str, domain: TlsDomain) -> str:
    """Return the field of a resolver's certificate for these names, whatever their order and case."""
    names = ",".join(sorted({name.lower() for name in domain.names}))
    return f"{resolver}/{hashlib.sha256(names.encode()).hexdigest()[:16]}"


def http_challenge(token: str) -> str:
    """Return the name of an HTTP challenge, for `Keys.acme_challenge`; it holds the key authorization."""
    return f"http-01 {token}"


def tls_challenge(name: str) -> str:
    """Return the name of a TLS-ALPN challenge, for `Keys.acme_challenge`.

    It holds the private key and the certificate as PEM, sealed in one text.
    """
    return f"tls-alpn-01 {name.lower()}"


def read_states(
    client: redis.Redis, keys: Keys, yield_if_due: Callable[[], None] = lambda: None
) -> Mapping[str, AcmeState]:
    """Return the states by `certificate_id`, without undecodable ones. Raises redis.RedisError.

    `yield_if_due` is called for each, because there may be very many.
    """
    try:
        fields: Any = client.hgetall(keys.acme_states)
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return {}
        raise
    states: dict[str, AcmeState] = {}
    for field, value in fields.items():
        yield_if_due()
        try:
            states[field.decode(errors="replace")] = decode_json(_state_decoder, value)
        except msgspec.MsgspecError as msgspec_error:
            logger.debug("%s: %r cannot be decoded: %s", keys.acme_states, field, msgspec_error)
    return states


def read_outcomes(client: redis.Redis, keys: Keys) -> Mapping[tuple[str, str], int]:
    """Return the number of finished orders by resolver and outcome. Raises redis.RedisError."""
    try:
        fields: Any = client.hgetall(keys.acme_outcomes)
    except redis.ResponseError as error:
        if is_wrong_type(error):
            return {}
        raise
    outcomes: dict[tuple[str, str], int] = {}
    for field, value in fields.items():
        resolver, _, outcome = field.decode(errors="replace").rpartition(" ")
        if value.isdigit():
            outcomes[resolver, outcome] = int(value)
    return outcomes
