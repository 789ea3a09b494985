"""Reads and writes what the store holds about ACME, for the agent that leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import redis
from msgspec import Struct, field, structs

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.acme import CHALLENGE_TTL, AcmeAccount, AcmeCertificate, AcmeOrder, AcmeState
from rondpoint.store.corrupt_keys import drop_if_wrong_type, is_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys
from rondpoint.store.publish import NotLeadingError
from rondpoint.store.scripts import load_script
from rondpoint.store.sealing import Sealer, SealError
from rondpoint.store.transaction import read_atomically
from rondpoint.store.workers import read_workers

_Value = AcmeAccount | AcmeCertificate | AcmeOrder | AcmeState

_KINDS: dict[str, type[Struct]] = {
    "accounts": AcmeAccount,
    "certificates": AcmeCertificate,
    "orders": AcmeOrder,
    "states": AcmeState,
}
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in _KINDS.items()
}


class AcmeContents(Struct, frozen=True):
    """What is stored: accounts by resolver, all else by `certificate_id`, with private keys as PEM.

    `unreadable` are the fields of accounts, certificates and orders that could not be read, and
    `problems` say why. The names of an unreadable certificate are not to be ordered: it may exist, and the
    secret of the settings may be wrong.
    """

    accounts: Mapping[str, AcmeAccount] = field(default_factory=dict)
    certificates: Mapping[str, AcmeCertificate] = field(default_factory=dict)
    orders: Mapping[str, AcmeOrder] = field(default_factory=dict)
    states: Mapping[str, AcmeState] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    problems: tuple[Diagnostic, ...] = ()


class AcmeStore:
    """The stored accounts, certificates, orders and states of one installation; for one thread.

    Each write compares `lease()` with the stored lease, in the same step. Methods that write raise
    NotLeadingError, and then nothing is written; all methods raise redis.RedisError.
    """

    def __init__(self, client: redis.Redis, keys: Keys, sealer: Sealer, lease: Callable[[], str]) -> None:
        self._client = client
        self._keys = keys
        self._sealer = sealer
        self._lease = lease
        self._script = load_script(client, "write.lua", "discovery.acme")

    def read(self) -> AcmeContents:
        """Read everything in one transaction, and open the private keys."""
        found: dict[str, dict[str, Any]] = {name: {} for name in _KINDS}
        unreadable: set[str] = set()
        problems: list[Diagnostic] = []
        for name, key, field_name, value in self._fields():
            try:
                found[name][field_name] = self._open(decode_json(_decoders[name], value))
            except (msgspec.MsgspecError, SealError) as error:
                problems.append(_unreadable(f"{key}: {field_name}", error))
                unreadable.add(field_name)
        return AcmeContents(**found, unreadable=frozenset(unreadable), problems=tuple(problems))

    def _fields(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Read all hashes; yield the name and the key of the hash, and each field with its value."""
        hashes = self._hashes()
        replies = read_atomically(self._client, [("HGETALL", key) for key in hashes.values()], lambda: None)
        for (name, key), reply in zip(hashes.items(), replies, strict=True):
            for field_name, value in _pairs(reply):
                yield name, key, field_name.decode(errors="replace"), value

    def write(
        self,
        *,
        accounts: Mapping[str, AcmeAccount | None] | None = None,
        certificates: Mapping[str, AcmeCertificate | None] | None = None,
        orders: Mapping[str, AcmeOrder | None] | None = None,
        states: Mapping[str, AcmeState | None] | None = None,
    ) -> None:
        """Set these values, and remove those that are None, in one step."""
        changes = {"accounts": accounts, "certificates": certificates, "orders": orders, "states": states}
        arguments: list[str | bytes | int] = [len(changes)]
        for change in changes.values():
            pairs: list[str | bytes | int] = []
            removed: list[str | bytes | int] = []
            for name, value in (change or {}).items():
                if value is None:
                    removed.append(name)
                else:
                    pairs += (name, msgspec.json.encode(self._seal(value)))
            arguments += [len(pairs) // 2, len(removed), *pairs, *removed]
        self._run(list(self._hashes().values()), arguments)

    def present(self, challenge: str, text: str) -> None:
        """Store a challenge for the proxies, by its name (`rondpoint.store.acme`), for an hour at most."""
        self._run([self._keys.acme_challenge(challenge)], [0, text, CHALLENGE_TTL * 1000])

    def withdraw(self, challenge: str) -> None:
        """Remove a challenge."""
        self._run([self._keys.acme_challenge(challenge)], [0, "", 0])

    def count(self, resolver: str, outcome: str) -> None:
        """Count a finished order, for the metrics; the lease does not matter for that."""
        key = self._keys.acme_outcomes
        with drop_if_wrong_type(self._client, key):
            self._client.hincrby(key, f"{resolver} {outcome}", 1)

    def worker_reports(self) -> dict[str, float]:
        """Return when each worker of a proxy reported itself last, in Unix seconds of its own clock."""
        return {name: worker.seen_at for name, worker in read_workers(self._client, self._keys).items()}

    def seal_again(self) -> int:
        """Seal the private keys with the newest secret, and return how many were not.

        That is so after a change of the secret, or if there was none.
        """
        outdated: dict[str, dict[str, Any]] = {name: {} for name in _KINDS}
        for name, _, field_name, value in self._fields():
            with suppress(msgspec.MsgspecError, SealError):
                stored = decode_json(_decoders[name], value)
                opened = self._open(stored)
                if self._seal(opened) != stored:
                    outdated[name][field_name] = opened
        count = sum(map(len, outdated.values()))
        if count:
            self.write(**outdated)
        return count

    def _hashes(self) -> dict[str, str]:
        keys = self._keys
        return {
            "accounts": keys.acme_accounts,
            "certificates": keys.acme_certificates,
            "orders": keys.acme_orders,
            "states": keys.acme_states,
        }

    def _run(self, keys: list[str], arguments: list[str | bytes | int]) -> None:
        written, lease = self._script(keys=[self._keys.leader, *keys], args=[self._lease(), *arguments])
        if not written:
            raise NotLeadingError(lease.decode(errors="replace").partition(" ")[2] or "no agent leads")

    def _seal(self, value: _Value) -> _Value:
        if isinstance(value, AcmeState):
            return value
        return structs.replace(value, key=self._sealer.seal(value.key))

    def _open(self, value: _Value) -> _Value:
        if isinstance(value, AcmeState):
            return value
        return structs.replace(value, key=self._sealer.open(value.key))


def _pairs(reply: Any) -> list[tuple[bytes, bytes]]:
    """Return fields and values of a hash, as a RESP3 dict or a RESP2 list; none if the key is no hash."""
    if isinstance(reply, Exception):
        if is_wrong_type(reply):
            return []
        raise reply
    if isinstance(reply, dict):
        return list(reply.items())
    return list(zip(reply[::2], reply[1::2], strict=True))


def _unreadable(subject: str, error: Exception) -> Diagnostic:
    if isinstance(error, SealError):
        return Diagnostic(
            Severity.ERROR,
            "acme",
            subject,
            f"the private key cannot be read: {error}",
            "nothing is ordered in its place; give the agent the right secret, or remove the field",
        )
    return Diagnostic(
        Severity.ERROR,
        "acme",
        subject,
        f"the stored value cannot be decoded: {error}",
        "nothing is ordered in its place; remove the field to have it ordered again",
    )
