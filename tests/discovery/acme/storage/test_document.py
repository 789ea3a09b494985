"""`acme.json` in the formats of Traefik 3 and Traefik 1 is read, and written back without losses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from discovery.acme.storage.document import (
    Document,
    DocumentError,
    ResolverEntry,
    StoredAccount,
    StoredCertificate,
    parse,
    read_entry,
    render,
    with_entry,
)
from rondpoint.tls.model import TlsDomain

from .certificates import ACCOUNT_URL, account_key, encoded, of_traefik_1, of_traefik_3, pair

HOSTS = [("a.test", "b.test"), ("*.c.test",)]
ACCOUNT = StoredAccount(account_key()[0], ACCOUNT_URL, "a@b.test")
CERTIFICATES = tuple(StoredCertificate(TlsDomain(names[0], names[1:]), *pair(*names)) for names in HOSTS)
TEXTS = {"traefik 3": of_traefik_3({"le": HOSTS, "other": []}), "traefik 1": of_traefik_1(HOSTS)}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_account_and_certificates_are_read(text: str) -> None:
    assert read_entry(parse(text), "le") == ResolverEntry(ACCOUNT, CERTIFICATES)


def test_a_resolver_without_an_entry_has_nothing_unless_the_file_is_traefik_1s() -> None:
    assert read_entry(parse(TEXTS["traefik 3"]), "unknown") == ResolverEntry()
    assert read_entry(parse(TEXTS["traefik 3"]), "other") == ResolverEntry(ACCOUNT)
    assert read_entry(parse(TEXTS["traefik 1"]), "any").account == ACCOUNT


@pytest.mark.parametrize("text", ["", "  \n", "null", "{}", '{"le": null}', '{"le": {}}'])
def test_a_document_may_be_empty(text: str) -> None:
    assert read_entry(parse(text), "le") == ResolverEntry()


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"le": []}', '{"le": 1}', "[" * 100_000])
def test_a_damaged_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse(text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_unchanged_is_written_back_as_it_was(text: str) -> None:
    document = parse(text)
    assert json.loads(render(with_entry(document, "le", ACCOUNT, CERTIFICATES))) == json.loads(text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_changes_keep_the_format_and_what_belongs_to_others(text: str) -> None:
    account = StoredAccount(account_key()[0], "https://other.test/acct/2")
    renewed = StoredCertificate(TlsDomain("d.test"), *pair("d.test"))
    document = parse(render(with_entry(parse(text), "le", account, [renewed], "EC256")))
    assert read_entry(document, "le") == ResolverEntry(account, (renewed,))
    before: dict[str, Any] = json.loads(text)
    after: dict[str, Any] = json.loads(render(document))
    assert after.keys() == before.keys()
    assert after.get("other") == before.get("other")
    assert (after.get("le") or after)["Account"]["KeyType"] == "P256"


def test_a_new_document_has_traefik_3s_format() -> None:
    document = with_entry(Document(), "le", ACCOUNT, CERTIFICATES[:1], "RSA2048")
    chain, key = map(encoded, pair(*HOSTS[0]))
    assert json.loads(render(document)) == {
        "le": {
            "Account": {
                "Email": "a@b.test",
                "Registration": {
                    "body": {"status": "valid", "contact": ["mailto:a@b.test"]},
                    "uri": ACCOUNT_URL,
                },
                "PrivateKey": account_key()[1],
                "KeyType": "2048",
            },
            "Certificates": [
                {
                    "domain": {"main": "a.test", "sans": ["b.test"]},
                    "certificate": chain,
                    "key": key,
                    "Store": "default",
                }
            ],
        }
    }


GOOD = json.loads(TEXTS["traefik 3"])["le"]["Certificates"][0]
UNREADABLE: dict[str, Any] = {
    "no object": 7,
    "no domain": {**GOOD, "domain": None},
    "no names": {**GOOD, "domain": {"main": "", "sans": [3, ""]}},
    "no key": {**GOOD, "key": ""},
    "no base64": {**GOOD, "certificate": "%"},
    "no text": {**GOOD, "certificate": "/w=="},
}


@pytest.mark.parametrize("item", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_certificate_is_named_and_stays_in_the_document(item: object) -> None:
    content = json.loads(TEXTS["traefik 3"])
    content["le"]["Certificates"].insert(1, item)
    document = parse(json.dumps(content))
    entry = read_entry(document, "le")
    assert (entry.certificates, entry.faults) == (CERTIFICATES, ("certificate 2 of le cannot be read",))
    written = json.loads(render(with_entry(document, "le", entry.account, entry.certificates)))
    assert item in written["le"]["Certificates"]


@pytest.mark.parametrize("key", ["%", encoded("no key"), 7])
def test_an_unreadable_account_is_named_and_stays(key: object) -> None:
    content = json.loads(TEXTS["traefik 3"])
    content["le"]["Account"]["PrivateKey"] = key
    document = parse(json.dumps(content))
    entry = read_entry(document, "le")
    assert entry.account is None
    assert entry.faults[0].startswith("the private key of the account cannot be read: ")
    assert json.loads(render(with_entry(document, "le", None, CERTIFICATES))) == content


def test_keys_of_any_case_are_read_as_go_does() -> None:
    text = TEXTS["traefik 3"].replace('"domain"', '"Domain"').replace('"sans"', '"SANS"')
    assert read_entry(parse(text), "le").certificates == CERTIFICATES


def test_a_certificate_keeps_its_store() -> None:
    text = TEXTS["traefik 3"].replace('"Store": "default"', '"Store": "own"', 1)
    document = with_entry(parse(text), "le", ACCOUNT, CERTIFICATES)
    written = json.loads(render(document))["le"]["Certificates"]
    assert [each["Store"] for each in written] == ["own", "default"]
