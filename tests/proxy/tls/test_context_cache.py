"""Contexts are made once for each set of certificates and options, and only some are kept."""

from __future__ import annotations

import ssl
from itertools import pairwise

import gevent
import pytest
from msgspec.structs import replace

from proxy.tls.context_cache import ContextCache
from proxy.tls.errors import CertificateError, OptionsError
from rondpoint.tls.model import TlsOptions
from tests.proxy.tls.certificates import make_certificate

FIRST, SECOND = make_certificate("first", "a.test"), make_certificate("second", "b.test")
DEFAULT, STRICT = TlsOptions("default"), TlsOptions("strict", min_version="VersionTLS13")


class Cache(ContextCache):
    """A cache that notes each new context."""

    def __init__(self, limit: int = 1000) -> None:
        self.made: list[ssl.SSLContext] = []
        super().__init__(str, self.made.append, limit)


def test_the_same_certificates_and_options_share_a_context() -> None:
    cache = Cache()
    one = cache.get((FIRST, SECOND), DEFAULT)
    assert cache.get((FIRST, SECOND), DEFAULT) is one
    others = [cache.get((SECOND, FIRST), DEFAULT), cache.get((FIRST,), DEFAULT), cache.get((FIRST,), STRICT)]
    assert len({id(each) for each in (one, *others)}) == 4
    assert cache.made == [one, *others]
    assert others[2].minimum_version is ssl.TLSVersion.TLSv1_3


def test_tcp_routers_have_contexts_of_their_own_only_for_other_protocols() -> None:
    cache = Cache()
    assert cache.get((FIRST,), DEFAULT, for_tcp=True) is cache.get((FIRST,), DEFAULT)
    other = TlsOptions("other", alpn=("postgresql",))
    assert cache.get((FIRST,), other, for_tcp=True) is not cache.get((FIRST,), other)


def test_a_changed_certificate_is_another_one() -> None:
    cache = Cache()
    first = cache.get((make_certificate("a", "a.test"),), DEFAULT)
    assert cache.get((make_certificate("a", "a.test"),), DEFAULT) is not first


def test_the_context_not_needed_for_longest_goes_first() -> None:
    cache = Cache(limit=2)
    kept, dropped = cache.get((FIRST,), DEFAULT), cache.get((SECOND,), DEFAULT)
    cache.get((FIRST,), DEFAULT)
    cache.get((FIRST,), STRICT)
    assert len(cache) == 2
    assert cache.get((FIRST,), DEFAULT) is kept
    assert cache.get((SECOND,), DEFAULT) is not dropped


def test_nothing_is_kept_of_what_cannot_be_made() -> None:
    cache = Cache()
    with pytest.raises(OptionsError):
        cache.get((FIRST,), TlsOptions("broken", unserved="it is broken"))
    with pytest.raises(CertificateError):
        cache.get((replace(FIRST, key=""),), DEFAULT)
    assert (len(cache), cache.made) == (0, [])


def test_many_new_contexts_let_others_run_between() -> None:
    cache = Cache()
    certificates = [make_certificate(str(number), "a.test") for number in range(60)]
    turns = []

    def other() -> None:
        while len(cache.made) < len(certificates):
            turns.append(len(cache.made))
            gevent.sleep(0)

    greenlets = [gevent.spawn(cache.get, (each,), DEFAULT) for each in certificates]
    gevent.joinall([*greenlets, gevent.spawn(other)], timeout=20, raise_error=True)
    assert len({id(each.value) for each in greenlets}) == 60
    waited = max(later - earlier for earlier, later in pairwise(turns))
    assert waited < 30, "contexts made in one go"


def test_a_context_is_made_once_for_clients_that_come_together() -> None:
    cache = Cache()
    greenlets = [gevent.spawn(cache.get, (FIRST,), DEFAULT) for _ in range(5)]
    gevent.joinall(greenlets, timeout=10, raise_error=True)
    assert len(cache.made) == 1
