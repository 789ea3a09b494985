"""`/api/explain` parses the request like the proxy."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.datastructures import MultiDict

from proxy.admin.explain_query import ExplainQueryError, read_explain_query
from rondpoint.rules.request_facts import Facts
from rondpoint.settings import load

FLAGS = (
    "--entryPoints.web.address=:8000",
    "--entryPoints.inner.address=:8001",
    "--entryPoints.inner.forwardedHeaders.trustedIPs=10.0.0.0/8",
)
SETTINGS = load(FLAGS, {}, Path("/nonexistent")).settings


def read_facts(url: str, *headers: str, **more: str) -> Facts:
    arguments = [("url", url), *(("header", line) for line in headers), *more.items()]
    return read_explain_query(MultiDict(arguments), SETTINGS).facts


READ = [
    ("http://a.test/x", "a.test", "/x"),
    ("a.test", "a.test", "/"),
    ("http://A.Test.:8000/x?y#z", "a.test", "/x"),
    ("http://[::1]:8000/", "[::1]", "/"),
    ("http://[2001:DB8:0::7]/", "[2001:db8::7]", "/"),
    ("http://b\u00fccher.test/\u00e9", "xn--bcher-kva.test", "/\u00e9"),
    ("http://a.test/a b/%2e%2E/c%2fd", "a.test", "/c%2Fd"),
    ("http://user:pass@a.test/", "a.test", "/"),
    ("http://a.test//x/./y", "a.test", "/x/y"),
    ("http://a_b.test/%zz", "a_b.test", "/%zz"),
]


@pytest.mark.parametrize(("url", "host", "path"), READ)
def test_a_url_is_parsed_as_a_browser_would_send_it(url: str, host: str, path: str) -> None:
    facts = read_facts(url)
    assert (facts.host, facts.path, facts.method) == (host, path, "GET")


def test_queries_are_decoded() -> None:
    assert read_facts("http://a/?b=c+d&%C3%A9=1;e").query == (("b", "c d"), ("\u00e9", "1"), ("e", ""))


def test_a_host_header_overrides_the_host_of_the_url() -> None:
    facts = read_facts("http://127.0.0.1:8000/x", "Host: a.test")
    assert (facts.host, facts.headers["host"]) == ("a.test", ("a.test",))
    assert read_facts("http://a.test/").headers["host"] == ("a.test",)


def test_headers_are_those_that_rules_match() -> None:
    lines = ("X-A:  b ", "x-a: c", "X-Empty:", "TE: trailers", "Connection: X-Gone", "X-Gone: d")
    found = read_facts("http://a/", *lines, "Content-Length: 5").headers
    assert (found["x-a"], found["x-empty"], found["content-length"]) == (("b", "c"), ("",), ("5",))
    assert not {"te", "connection", "x-gone", "x-real-ip"} & found.keys()
    socket = read_facts("http://a/", "Connection: upgrade", "Upgrade: websocket").headers
    assert (socket["upgrade"], socket["connection"]) == (("websocket",), ("Upgrade",))


def test_forwarding_headers_are_those_that_the_proxy_would_send() -> None:
    claims = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Real-Ip: 192.0.2.2")
    plain = read_facts("http://a.test:8000/", client="10.0.0.7").headers
    assert plain["x-real-ip"] == ("10.0.0.7",)
    assert plain["x-forwarded-for"] == ()
    assert (plain["x-forwarded-proto"], plain["x-forwarded-port"]) == (("http",), ("8000",))
    assert plain["x-forwarded-host"] == ("a.test:8000",)
    # `web` trusts no client, `inner` trusts the clients in 10.0.0.0/8.
    denied = read_facts("http://a.test:8000/", *claims, client="10.0.0.7").headers
    assert (denied["x-forwarded-for"], denied["x-real-ip"]) == ((), ("10.0.0.7",))
    believed = read_facts("http://a.test:8001/", *claims, client="10.0.0.7").headers
    assert (believed["x-forwarded-for"], believed["x-real-ip"]) == (("192.0.2.1",), ("192.0.2.2",))
    assert believed["x-forwarded-proto"] == ("https",)
    assert read_facts("http://a.test:8000/", *claims).headers["x-forwarded-proto"] == ("https",)


@pytest.mark.parametrize(
    ("url", "more", "message"),
    [
        ("http://a b/", {}, "responds to such a request with 400: invalid Host header"),
        ("http://a/", {"header": "Host: a:b:c"}, "responds to such a request with 400: invalid Host header"),
        ("http://a/", {"header": "Transfer-Encoding: gzip"}, "responds to such a request with 400"),
        ("http://a/", {"method": "CONNECT"}, "responds to such a request with 501"),
        ("http://a/", {"method": "GE T"}, "responds to such a request with 400"),
        ("http://a/" + "x" * 20_000, {}, "responds to such a request with 414"),
        ("http://a/", {"client": "home"}, "client 'home' is not an IP address"),
    ],
)
def test_requests_refused_before_routing_are_reported(url: str, more: dict[str, str], message: str) -> None:
    with pytest.raises(ExplainQueryError) as caught:
        read_explain_query(MultiDict([("url", url), *more.items()]), SETTINGS)
    assert message in str(caught.value)
