"""What the store holds about ACME: only the leader writes it, keys are sealed, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from discovery.acme.store import AcmeContents, AcmeStore
from rondpoint.store.acme import (
    CHALLENGE_TTL,
    AcmeAccount,
    AcmeCertificate,
    AcmeOrder,
    AcmeState,
    certificate_id,
    http_challenge,
    read_outcomes,
    read_states,
    tls_challenge,
)
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import NotLeadingError
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import TlsDomain
from tests.lab.store import Store

KEYS = Keys("test")
LEASE = "7 agent"
SEALER = Sealer(b"s" * 32)
KEY = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
DOMAIN = TlsDomain("a.test", ("b.test",))
ID = certificate_id("le", DOMAIN)
ACCOUNT = AcmeAccount("https://ca.test/dir", KEY, "https://ca.test/acct/1", "a@b.test")
CERTIFICATE = AcmeCertificate("le", DOMAIN, "-----BEGIN CERTIFICATE-----…", KEY, 1000.0)
ORDER = AcmeOrder("le", DOMAIN, "https://ca.test/order/1", KEY, 900.0)
STATE = AcmeState("le", DOMAIN, renew_at=2000.0, failures=2, error="no", hint="yes")


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        client.set(KEYS.leader, LEASE)
        yield client


def acme_store(client: redis.Redis, sealer: Sealer = SEALER, lease: str = LEASE) -> AcmeStore:
    return AcmeStore(client, KEYS, sealer, lambda: lease)


def everything(store: AcmeStore) -> None:
    store.write(
        accounts={"le": ACCOUNT}, certificates={ID: CERTIFICATE}, orders={ID: ORDER}, states={ID: STATE}
    )


def test_finished_orders_are_counted_also_in_a_key_of_another_type(client: redis.Redis) -> None:
    store = acme_store(client)
    assert read_outcomes(client, KEYS) == {}
    client.set(KEYS.acme_outcomes, "other")
    assert read_outcomes(client, KEYS) == {}
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.count("my resolver", "obtained")
    for outcome in ("obtained", "names", "obtained"):
        store.count("my resolver", outcome)
    client.hset(KEYS.acme_outcomes, "x y", "z")
    assert read_outcomes(client, KEYS) == {("my resolver", "obtained"): 2, ("my resolver", "names"): 1}


def test_an_id_depends_on_the_resolver_and_the_set_of_names() -> None:
    same = [TlsDomain("b.test", ("A.test",)), TlsDomain("a.test", ("b.test", "a.test"))]
    assert {certificate_id("le", domain) for domain in same} == {ID}
    others = [("le", TlsDomain("a.test")), ("le", TlsDomain("*.a.test", ("b.test",))), ("other", DOMAIN)]
    assert len({certificate_id(*other) for other in others} | {ID}) == 4


def test_what_is_written_is_read_again_and_keys_are_sealed(client: redis.Redis) -> None:
    store = acme_store(client)
    assert store.read() == AcmeContents()
    everything(store)
    assert store.read() == AcmeContents({"le": ACCOUNT}, {ID: CERTIFICATE}, {ID: ORDER}, {ID: STATE})
    assert read_states(client, KEYS) == {ID: STATE}
    for key in (KEYS.acme_accounts, KEYS.acme_certificates, KEYS.acme_orders, KEYS.acme_states):
        (value,) = client.hgetall(key).values()
        assert b"PRIVATE KEY" not in value
        assert ("key" in json.loads(value)) == (key != KEYS.acme_states)
    store.write(orders={ID: None}, accounts={"other": ACCOUNT})
    contents = store.read()
    assert (contents.orders, contents.accounts.keys()) == ({}, {"le", "other"})
    assert contents.certificates == {ID: CERTIFICATE}


def test_the_words_for_people_and_logs_have_no_keys() -> None:
    assert not any("secret" in repr(each) for each in (ACCOUNT, CERTIFICATE, ORDER))


@pytest.mark.parametrize("lease", ["", "6 other", "7"])
def test_only_the_leader_writes(client: redis.Redis, lease: str) -> None:
    everything(acme_store(client))
    acme_store(client).present("http-01 t", "t.thumb")
    other = acme_store(client, lease=lease)
    with pytest.raises(NotLeadingError, match="agent"):
        other.write(certificates={ID: None})
    with pytest.raises(NotLeadingError):
        other.present("http-01 u", "u.thumb")
    with pytest.raises(NotLeadingError):
        other.withdraw("http-01 t")
    assert other.read().certificates == {ID: CERTIFICATE}
    assert client.get(KEYS.acme_challenge("http-01 t")) == b"t.thumb"
    assert client.get(KEYS.acme_challenge("http-01 u")) is None
    client.delete(KEYS.leader)
    with pytest.raises(NotLeadingError, match="no agent leads"):
        acme_store(client).write(certificates={ID: None})


def test_challenges_expire_and_are_withdrawn(client: redis.Redis) -> None:
    store = acme_store(client)
    names = [http_challenge("token"), tls_challenge("A.test")]
    assert names == ["http-01 token", "tls-alpn-01 a.test"]
    for name in names:
        store.present(name, f"text of {name}")
        key = KEYS.acme_challenge(name)
        assert client.get(key) == f"text of {name}".encode()
        assert CHALLENGE_TTL - 60 < client.ttl(key) <= CHALLENGE_TTL
        store.withdraw(name)
        assert client.exists(key) == 0
        store.withdraw(name)


def test_with_a_wrong_secret_nothing_counts_as_missing(client: redis.Redis) -> None:
    everything(acme_store(client))
    contents = acme_store(client, Sealer(b"t" * 32)).read()
    assert (contents.accounts, contents.certificates, contents.orders) == ({}, {}, {})
    assert (contents.unreadable, contents.states) == ({"le", ID}, {ID: STATE})
    assert len(contents.problems) == 3
    assert all("the same store.secretFile" in problem.message for problem in contents.problems)


def test_a_value_that_cannot_be_decoded_is_named_and_the_others_are_read(client: redis.Redis) -> None:
    store = acme_store(client)
    everything(store)
    client.hset(KEYS.acme_certificates, "le/1", "rubbish")
    client.hset(KEYS.acme_states, "le/2", "[]")
    contents = store.read()
    assert contents.certificates == {ID: CERTIFICATE}
    assert contents.unreadable == {"le/1", "le/2"}
    assert [problem.subject.rpartition(" ")[2] for problem in contents.problems] == ["le/1", "le/2"]
    assert read_states(client, KEYS) == {ID: STATE}


def test_a_key_of_another_type_is_replaced(client: redis.Redis) -> None:
    for key in (KEYS.acme_accounts, KEYS.acme_states):
        client.set(key, "rubbish")
    client.hset(KEYS.acme_challenge("http-01 t"), "a", "b")
    store = acme_store(client)
    assert store.read() == AcmeContents()
    assert read_states(client, KEYS) == {}
    everything(store)
    store.present("http-01 t", "text")
    assert store.read().states == {ID: STATE}
    assert client.get(KEYS.acme_challenge("http-01 t")) == b"text"


def test_keys_are_sealed_again_after_a_change_of_the_secret(client: redis.Redis) -> None:
    everything(acme_store(client, Sealer()))
    assert KEY.encode()[:20] in client.hget(KEYS.acme_accounts, "le")
    first = acme_store(client)
    assert (first.seal_again(), first.seal_again()) == (3, 0)
    second = acme_store(client, Sealer(b"t" * 32, [b"s" * 32]))
    assert (second.seal_again(), second.seal_again()) == (3, 0)
    newest_alone = acme_store(client, Sealer(b"t" * 32))
    assert newest_alone.read().certificates == {ID: CERTIFICATE}
    assert first.seal_again() == 0
    assert newest_alone.read().problems == ()


def test_many_certificates_are_written_in_one_step(client: redis.Redis) -> None:
    many = {f"le/{number}": CERTIFICATE for number in range(9000)}
    store = acme_store(client)
    store.write(certificates=many)
    assert store.read().certificates.keys() == many.keys()
    store.write(certificates=dict.fromkeys(many))
    assert client.exists(KEYS.acme_certificates) == 0
