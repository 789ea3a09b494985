"""Tests of the sample certificates, and of the bounds that keep the cost of many certificates flat."""

from __future__ import annotations

import ssl
from pathlib import Path

import yaml

from benchmarks.sample_certificates import make_pairs, to_certificates, write_pairs
from discovery.certificates.pair import check_pair
from proxy.tls.context_cache import ContextCache
from proxy.tls.openssl_context import openssl
from proxy.tls.worker_contexts import PublishedCertificates
from rondpoint.tls.model import TlsOptions

PAIRS = make_pairs(30)
CERTIFICATES = to_certificates(PAIRS)


def test_agents_accept_the_certificates_and_publish_the_same() -> None:
    for pair, certificate in zip(PAIRS[:3], CERTIFICATES.values(), strict=False):
        found = check_pair(pair.chain, pair.key)
        assert (found.names, found.fingerprint) == ((pair.host,), pair.fingerprint)
        assert found.key_type == certificate.key_type
        assert certificate.name == f"{found.fingerprint}@file"


def test_a_replaced_pair_leaves_the_dynamic_file_as_it_is(tmp_path: Path) -> None:
    dynamic = write_pairs(tmp_path / "pairs", PAIRS)
    before = dynamic.read_text()
    (new,) = make_pairs(1)
    assert write_pairs(tmp_path / "pairs", [new]).read_text() == before
    first, *others = yaml.safe_load(before)["tls"]["certificates"]
    assert len(others) == len(PAIRS) - 1
    assert [Path(first[option]).read_text() for option in ("certFile", "keyFile")] == [new.chain, new.key]


def test_a_worker_makes_contexts_only_for_the_names_that_clients_send() -> None:
    made: list[ssl.SSLContext] = []
    cache, published = ContextCache(str, made.append, limit=4), PublishedCertificates()
    for certificate in CERTIFICATES.values():
        published.put(certificate)
    assert (len(published.index), len(made)) == (len(PAIRS), 0)
    options = TlsOptions("default")
    for pair in PAIRS[:10]:
        cache.get(published.index.find(pair.host, "websecure"), options)
    assert (len(cache), len(made)) == (4, 10)


def test_contexts_share_the_certificates_of_their_issuers() -> None:
    access = openssl()
    assert access is not None
    made: list[ssl.SSLContext] = []
    cache = ContextCache(str, made.append)
    before = access.issuer_chains_decoded
    for certificate in to_certificates(make_pairs(5)).values():
        cache.get((certificate,), TlsOptions("default"))
    assert len(made) == 5
    assert access.issuer_chains_decoded == before + 1
