"""Files and store meet when an agent begins to lead: a migration orders nothing, and nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from discovery.acme.storage.document import parse, read_entry
from discovery.acme.storage.resolver_files import ResolverFiles
from discovery.acme.storage.take_over import take_over
from discovery.acme.store import AcmeStore
from rondpoint.settings import ResolverOptions
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, certificate_id
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import TlsDomain
from tests.lab.store import Store

from .certificates import ACCOUNT_URL, CA, account_key, encoded, of_traefik_1, of_traefik_3, pair

KEYS = Keys("test")
LEASE = "7 agent"
HOSTS = [("a.test", "b.test"), ("*.c.test",)]
DOMAINS = [TlsDomain(names[0], names[1:]) for names in HOSTS]
ACCOUNT = AcmeAccount(CA, account_key()[0], ACCOUNT_URL, "a@b.test")
CERTIFICATES = {
    certificate_id("le", domain): AcmeCertificate("le", domain, *pair(*domain.names)) for domain in DOMAINS
}
TEXTS = {"traefik 3": of_traefik_3({"le": HOSTS}), "traefik 1": of_traefik_1(HOSTS)}


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        client.set(KEYS.leader, LEASE)
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acme.json"


def acme_store(client: redis.Redis, secret: bytes = b"s" * 32) -> AcmeStore:
    return AcmeStore(client, KEYS, Sealer(secret), lambda: LEASE)


def resolver_files(path: Path, *names: str, ca: str = CA) -> ResolverFiles:
    options = ResolverOptions(ca_server=ca, storage=str(path))
    return ResolverFiles(dict.fromkeys(names or ("le",), options))


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_file_of_traefik_is_taken_over_whole_and_stays_as_it_is(
    client: redis.Redis, path: Path, text: str
) -> None:
    write(path, text)
    for _ in range(2):
        taken = take_over(acme_store(client), resolver_files(path))
        assert (taken.contents.accounts, taken.contents.certificates) == ({"le": ACCOUNT}, CERTIFICATES)
        assert (taken.blocked, taken.diagnostics) == (frozenset(), ())
    assert path.read_text() == text


def test_a_store_that_comes_back_empty_gets_everything_from_the_file(client: redis.Redis, path: Path) -> None:
    store = acme_store(client)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    assert take_over(store, resolver_files(path)).diagnostics == ()
    client.delete(KEYS.acme_accounts, KEYS.acme_certificates)
    taken = take_over(store, resolver_files(path))
    assert (taken.contents.accounts, taken.contents.certificates) == ({"le": ACCOUNT}, CERTIFICATES)


def test_the_certificate_that_lasts_longer_counts_in_both_directions(client: redis.Redis, path: Path) -> None:
    write(path, TEXTS["traefik 3"])
    older = AcmeCertificate("le", DOMAINS[0], *pair("a.test", "b.test", days=5))
    newer = AcmeCertificate("le", DOMAINS[1], *pair("*.c.test", days=80))
    first, second = CERTIFICATES
    store = acme_store(client)
    store.write(certificates={first: older, second: newer})
    contents = take_over(store, resolver_files(path)).contents
    assert contents.certificates == {first: CERTIFICATES[first], second: newer}
    written = {each.chain for each in read_entry(parse(path.read_text()), "le").certificates}
    assert written == {CERTIFICATES[first].chain, newer.chain}


def test_an_expired_certificate_is_taken_over_to_be_renewed(client: redis.Redis, path: Path) -> None:
    chain, key = pair("old.test", days=-1)
    entry = {"domain": {"main": "old.test"}, "certificate": encoded(chain), "key": encoded(key)}
    write(path, json.dumps({"le": {"Account": None, "Certificates": [entry]}}))
    contents = take_over(acme_store(client), resolver_files(path)).contents
    assert contents.certificates[certificate_id("le", TlsDomain("old.test"))].chain == chain


@pytest.mark.parametrize(
    ("url", "ca", "taken"),
    [
        (ACCOUNT_URL, "https://ca.test/other", True),
        ("", CA, True),
        (ACCOUNT_URL, "https://other.test/dir", False),
        ("https://ca.test/acme/reg/42", CA, False),
    ],
)
def test_an_account_of_another_authority_is_left(
    client: redis.Redis, path: Path, url: str, ca: str, taken: bool
) -> None:
    write(path, of_traefik_3({"le": HOSTS}, url=url))
    contents = take_over(acme_store(client), resolver_files(path, ca=ca)).contents
    assert ("le" in contents.accounts) == taken
    assert contents.certificates == CERTIFICATES


UNUSABLE = {
    "open": (TEXTS["traefik 3"], 0o644, "permissions 644 for {path} are too open, please use 600"),
    "damaged": (TEXTS["traefik 3"][:-9], 0o600, "{path} is damaged: it is not JSON"),
}


@pytest.mark.parametrize(("text", "mode", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_kept_and_orders_wait_for_it(
    client: redis.Redis, path: Path, text: str, mode: int, message: str
) -> None:
    write(path, text)
    path.chmod(mode)
    store = acme_store(client)
    taken = take_over(store, resolver_files(path, "le", "other"))
    assert taken.blocked == {"le", "other"}
    assert [each.subject for each in taken.diagnostics] == ["resolver le", "resolver other"]
    assert all(each.message.startswith(message.format(path=path)) for each in taken.diagnostics)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    taken = take_over(store, resolver_files(path, "le", "other"))
    assert (taken.blocked, taken.contents.certificates) == ({"other"}, CERTIFICATES)
    assert path.read_text() == text


def test_a_certificate_that_does_not_fit_its_key_is_named(client: redis.Redis, path: Path) -> None:
    content = json.loads(TEXTS["traefik 3"])
    content["le"]["Certificates"][0]["key"] = encoded(pair("other.test")[1])
    write(path, json.dumps(content))
    taken = take_over(acme_store(client), resolver_files(path))
    assert [certificate.domain for certificate in taken.contents.certificates.values()] == DOMAINS[1:]
    (fault,) = taken.diagnostics
    assert fault.message == f"{path}: the certificate of a.test does not fit its key"


def test_with_a_wrong_secret_the_file_keeps_what_it_has(client: redis.Redis, path: Path) -> None:
    store = acme_store(client)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    write(path, TEXTS["traefik 3"])
    taken = take_over(acme_store(client, b"t" * 32), resolver_files(path))
    assert taken.contents.unreadable == {"le", *CERTIFICATES}
    assert len(taken.diagnostics) == 3
    assert read_entry(parse(path.read_text()), "le").certificates != ()
    assert store.read().certificates == CERTIFICATES


def test_resolvers_share_a_file_and_others_keep_their_entries(client: redis.Redis, path: Path) -> None:
    write(path, of_traefik_3({"le": HOSTS[:1], "of-traefik": HOSTS[1:]}))
    store = acme_store(client)
    domain = TlsDomain("d.test")
    identity = certificate_id("own", domain)
    store.write(certificates={identity: AcmeCertificate("own", domain, *pair("d.test"))})
    take_over(store, resolver_files(path, "le", "own"))
    content = json.loads(path.read_text())
    assert content.keys() == {"le", "of-traefik", "own"}
    assert content["of-traefik"] == json.loads(of_traefik_3({"x": HOSTS[1:]}))["x"]
    assert len(content["own"]["Certificates"]) == 1


def test_a_file_of_traefik_1_is_for_one_resolver(client: redis.Redis, path: Path) -> None:
    write(path, TEXTS["traefik 1"])
    taken = take_over(acme_store(client), resolver_files(path, "le", "other"))
    assert taken.contents.accounts.keys() == {"le"}
    (fault,) = taken.diagnostics
    assert fault.subject == "resolver other"
    assert "has room for one resolver" in fault.message


def test_without_a_file_the_store_alone_has_everything(client: redis.Redis, tmp_path: Path) -> None:
    files = ResolverFiles({"le": ResolverOptions(storage="")})
    store = acme_store(client)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    assert take_over(store, files).diagnostics == ()
    assert list(tmp_path.iterdir()) == []


def test_what_the_store_forgot_leaves_the_file_at_the_next_save(client: redis.Redis, path: Path) -> None:
    store = acme_store(client)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    files = resolver_files(path)
    take_over(store, files)
    store.write(certificates={next(iter(CERTIFICATES)): None})
    assert files.save(store.read()) == ()
    assert len(read_entry(parse(path.read_text()), "le").certificates) == 1


def test_a_file_that_cannot_be_written_is_an_error_and_the_store_goes_on(
    client: redis.Redis, tmp_path: Path
) -> None:
    store = acme_store(client)
    store.write(accounts={"le": ACCOUNT}, certificates=CERTIFICATES)
    taken = take_over(store, resolver_files(tmp_path / "none" / "acme.json"))
    (fault,) = taken.diagnostics
    assert "cannot be written: No such file or directory" in fault.message
    assert (taken.contents.certificates, taken.blocked) == (CERTIFICATES, frozenset())
