"""Unfolding keys to a tree: lists, objects whose names are numbers, and invalid keys."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.decoding.report import Report
from discovery.providers.key_value.tree import unfold

TREES: list[tuple[dict[str, bytes], dict[str, Any]]] = [
    ({}, {}),
    ({"traefik/": b"", "traefik/backends/": b""}, {}),
    ({"traefik/backends/b/servers/s/url": b"http://a"}, {"backends": {"b": {"servers": {"s": {"url": "http://a"}}}}}),
    ({"traefik/backends/1/servers/0/url": b"u"}, {"backends": {"1": {"servers": {"0": {"url": "u"}}}}}),
    ({"traefik/frontends/0/routes/1/rule": b"r"}, {"frontends": {"0": {"routes": {"1": {"rule": "r"}}}}}),
    (
        {"traefik/frontends/f/entrypoints/10": b"c", "traefik/frontends/f/entrypoints/2": b"b"},
        {"frontends": {"f": {"entrypoints": ["b", "c"]}}},
    ),
    (
        {"traefik/http/services/S/loadbalancer/servers/0/url": b"u"},
        {"http": {"services": {"S": {"loadbalancer": {"servers": [{"url": "u"}]}}}}},
    ),
    (
        {"traefik/http/routers/r/parentrefs/0": b"a", "traefik/http/routers/r/parentrefs/1": b"b"},
        {"http": {"routers": {"r": {"parentrefs": ["a", "b"]}}}},
    ),
    ({"traefik/http/routers/0/rule": b"r"}, {"http": {"routers": {"0": {"rule": "r"}}}}),
    (
        {"traefik/http/routers/r/tls": b"true", "traefik/http/routers/r/tls/options": b"o"},
        {"http": {"routers": {"r": {"tls": {"options": "o"}}}}},
    ),
    (
        {
            "traefik/HTTP/Services/s/loadBalancer/passHostHeader": b"false",
            "traefik/http/services/s/loadbalancer/servers/0/url": b"u",
            "traefik/http/services/s/loadbalancer/Servers/0/weight": b"2",
        },
        {"HTTP": {"Services": {"s": {"loadBalancer": {
            "passHostHeader": "false", "Servers": [{"url": "u", "weight": "2"}]
        }}}}},
    ),
    (
        {"traefik/Backends/b/servers/S/url": b"u", "traefik/backends/B/Servers/s/url": b"v"},
        {"Backends": {"b": {"servers": {"S": {"url": "u"}}}, "B": {"Servers": {"s": {"url": "v"}}}}},
    ),
    (
        {"traefik/backends/b/servers/S/url": b"u", "traefik/backends/b/Servers/s/url": b"v"},
        {"backends": {"b": {"Servers": {"S": {"url": "u"}, "s": {"url": "v"}}}}},
    ),
    (
        {
            "traefik/tls/certificates/0/certFile": b"a",
            "traefik/tls/options/0/minVersion": b"v",
            "traefik/tls/options/0/clientAuth/caFiles/0": b"c",
            "traefik/tls/stores/default/defaultCertificate/certFile": b"d",
        },
        {"tls": {
            "certificates": [{"certFile": "a"}],
            "options": {"0": {"minVersion": "v", "clientAuth": {"caFiles": ["c"]}}},
            "stores": {"default": {"defaultCertificate": {"certFile": "d"}}},
        }},
    ),
    (
        {"traefik/tls/0/entrypoints/0": b"https", "traefik/tls/0/certificate/certfile": b"a"},
        {"tls": {"0": {"entrypoints": ["https"], "certificate": {"certfile": "a"}}}},
    ),
    ({"other/a": b"x", "traefikx/b": b"y", "traefik/c": "é".encode()}, {"c": "é"}),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "expected"), TREES)
def test_keys_unfold_to_a_tree(keys: dict[str, bytes], expected: dict[str, Any]) -> None:
    report = Report("consul", "keys")
    assert unfold(keys, "traefik", report) == expected
    assert report.diagnostics == ()


BAD = [
    ("traefik/a\ufffd/b", b"x", "is not UTF-8"),
    ("traefik/a", b"\xff\xfe", "the value of key traefik/a is not UTF-8 text"),
    ("traefik/a//b", b"x", "empty segment or too many segments"),
    ("traefik/" + "a/" * 30 + "b", b"x", "empty segment or too many segments"),
]


@pytest.mark.parametrize(("key", "value", "words"), BAD)
def test_an_invalid_key_is_reported_and_affects_no_other(key: str, value: bytes, words: str) -> None:
    report = Report("consul", "keys")
    assert unfold({key: value, "traefik/good": b"1"}, "traefik", report) == {"good": "1"}
    (diagnostic,) = report.diagnostics
    assert words in diagnostic.message


@given(st.dictionaries(st.text(alphabet="a0/\ufffd", max_size=12), st.binary(max_size=4), max_size=8))
def test_no_keys_break_it(keys: dict[str, bytes]) -> None:
    assert isinstance(
        unfold({f"traefik/{key}": keys[key] for key in keys}, "traefik", Report("consul", "k")), dict
    )
