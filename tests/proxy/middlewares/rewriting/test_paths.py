"""Middlewares that change paths: a table of cases, and any options and targets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.rewriting.paths import unescape_unreserved
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

PREFIX, REPLACED = "X-Forwarded-Prefix", "X-Replaced-Path"

# kind, options, target sent, target received, headers received
CHANGED: list[tuple[str, dict[str, Any], str, str, dict[str, str]]] = [
    ("addPrefix", {"prefix": "/foo"}, "/bar?a=b", "/foo/bar?a=b", {}),
    ("addPrefix", {"prefix": "foo"}, "/bar", "/foo/bar", {}),
    ("addPrefix", {"prefix": "/f o"}, "/b%2Fr", "/f%20o/b%2Fr", {}),
    ("addPrefix", {"prefix": "/f"}, "/../bar", "/f/bar", {}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/api/x?a", "/x?a", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/api", "/", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/apix", "/x", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/api/"]}, "/api/x", "/x", {PREFIX: "/api/"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/other", "/other", {}),
    ("stripPrefix", {"prefixes": ["/a/b", "/a"]}, "/a/b/c", "/c", {PREFIX: "/a/b"}),
    ("stripPrefix", {"prefixes": ["/a", "/a/b"]}, "/a/b/c", "/b/c", {PREFIX: "/a"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/%61pi/x%2fy", "/x%2fy", {PREFIX: "/%61pi"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/x/../api/y", "/y", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "/x/%2e%2E/api/y", "/y", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/api"]}, "//api//y", "/y", {PREFIX: "/api"}),
    ("stripPrefix", {"prefixes": ["/caf\u00e9"]}, "/caf%C3%A9/x", "/x", {PREFIX: "/caf%C3%A9"}),
    ("stripPrefix", {"prefixes": ["/a%"]}, "/a%/x", "/x", {PREFIX: "/a%"}),
    ("stripPrefix", {"prefixes": ["/"]}, "/x", "/x", {PREFIX: "/"}),
    ("stripPrefixRegex", {"regex": ["^/a/[0-9]+"]}, "/a/12/x", "/x", {PREFIX: "/a/12"}),
    ("stripPrefixRegex", {"regex": ["/[0-9]+"]}, "/a/12/x", "/a/12/x", {}),
    ("stripPrefixRegex", {"regex": ["^/x", "^/a"]}, "/%61/b", "/b", {PREFIX: "/%61"}),
    ("stripPrefixRegex", {"regex": ["^/."]}, "/%0d%0aX:y/b", "/%0aX:y/b", {PREFIX: "/%0d"}),
    ("stripPrefixRegex", {"regex": ["^/a/(?:[^/]+)"]}, "/a/b?c", "/?c", {PREFIX: "/a/b"}),
    ("replacePath", {"path": "/new"}, "/old%2f?a=b", "/new?a=b", {REPLACED: "/old%2f"}),
    ("replacePath", {"path": "new path"}, "/old", "/new%20path", {REPLACED: "/old"}),
    (
        "replacePathRegex",
        {"regex": "^/foo/(.*)", "replacement": "/bar/$1"},
        "/foo/x%2fy?q",
        "/bar/x%2fy?q",
        {REPLACED: "/foo/x%2fy"},
    ),
    ("replacePathRegex", {"regex": "^/foo", "replacement": "/bar"}, "/other", "/other", {}),
    (
        "replacePathRegex",
        {"regex": "^/foo/(.*)", "replacement": "/bar/$1"},
        "/%66oo/%41%2d%7E%5f%30%2f%20?%66",
        "/bar/A-~_0%2f%20?%66",
        {REPLACED: "/foo/A-~_0%2f%20"},
    ),
    ("replacePathRegex", {"regex": "^/foo", "replacement": "/bar"}, "/%41%62", "/%41%62", {}),
    (
        "replacePathRegex",
        {"regex": "/(?P<a>[a-z])(b)?", "replacement": " ${a}-$2-$3-$$-${1}x "},
        "/q",
        "/q---$-qx",
        {REPLACED: "/q"},
    ),
    ("replacePathRegex", {"regex": ".*", "replacement": "/x"}, "/a/b?q", "/x?q", {REPLACED: "/a/b"}),
    ("replacePathRegex", {"regex": "b*", "replacement": "-"}, "/abbc", "/-/-a-c-", {REPLACED: "/abbc"}),
    (
        "replacePathRegex",
        {"regex": "o", "replacement": "0?"},
        "/foo",
        "/f0%3F0%3F",
        {REPLACED: "/foo"},
    ),
    ("urlRewrite", {"hostname": "b.test"}, "/foo%2f?a=b", "/foo%2f?a=b", {}),
    ("urlRewrite", {"path": "/new path"}, "/foo/bar?a=b", "/new%20path?a=b", {}),
    *(
        ("urlRewrite", {"path": new, "pathPrefix": prefix}, sent, received, {})
        for sent, prefix, new, received in (
            ("/foo/bar?a=b", "/foo", "/xyz", "/xyz/bar?a=b"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/foo/bar", "/", "/xyz", "/xyz/foo/bar"),
            ("/foobar", "/foo", "/xyz", "/foobar"),
            ("/other", "/foo", "/xyz", "/other"),
            ("/%66oo/b%2Fr", "/foo", "/xyz", "/xyz/b%2Fr"),
            ("/x/../foo/y", "/foo", "/xyz", "/xyz/y"),
        )
    ),
]


def head(target: str) -> Request:
    data = f"GET {target} HTTP/1.1\r\nHost: a\r\nX-Replaced-Path: mine\r\nX-Forwarded-Prefix: mine\r\n\r\n"
    request = parse_request(data.encode("latin-1"), Limits())
    assert request is not None
    return request


def make_chains(**kinds: dict[str, Any]) -> Chains:
    chains = Chains()
    for kind, options in kinds.items():
        chains.put(Middleware(kind, kind, options))
    return chains


def pass_through(chains: Chains, target: str, *names: str) -> Request:
    request = head(target)
    for step in chains.compile_chain(names, "router", "r"):
        step(request, Sender())
    return request


def headers(request: Request, name: str) -> list[str]:
    lines = [line.partition(b": ") for line in request.headers.split(b"\r\n")]
    return [value.decode("latin-1") for key, _, value in lines if key.decode().lower() == name.lower()]


@pytest.mark.parametrize(("kind", "options", "sent", "received", "added"), CHANGED)
def test_a_middleware_changes_the_path(
    kind: str, options: dict[str, Any], sent: str, received: str, added: dict[str, str]
) -> None:
    request = pass_through(make_chains(**{kind: options}), sent, kind)
    assert request.target.decode("latin-1") == received
    assert headers(request, PREFIX) == ([added[PREFIX]] if PREFIX in added else [])
    if REPLACED in added:
        assert headers(request, REPLACED) == [added[REPLACED]]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"prefixes": ["/a"]}, "/a../x"),
        ({"prefixes": ["/a"]}, "/a.%2e/x"),
        ({"prefixes": ["/a/x"]}, "/a/x./"),
    ],
)
def test_dot_segments_created_by_stripping_are_refused(options: dict[str, Any], sent: str) -> None:
    with pytest.raises(RequestError) as caught:
        pass_through(make_chains(stripPrefix=options), sent, "stripPrefix")
    assert caught.value.status == 400


def test_only_escapes_of_unreserved_characters_are_decoded() -> None:
    everything = b"".join(b"%%%02x%%%02X" % (byte, byte) for byte in range(256))
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    expected = b"".join(
        bytes((byte, byte)) if byte in plain else b"%%%02x%%%02X" % (byte, byte) for byte in range(256)
    )
    assert unescape_unreserved(everything) == expected


def test_steps_run_in_order_and_chains_are_unfolded() -> None:
    chains = make_chains(
        stripPrefix={"prefixes": ["/a"]}, addPrefix={"prefix": "/b"}, chain={"middlewares": ["addPrefix"]}
    )
    assert pass_through(chains, "/a/x", "stripPrefix", "chain").target == b"/b/x"
    assert pass_through(chains, "/a/x", "chain", "stripPrefix").target == b"/b/a/x"


def test_a_change_applies_at_once() -> None:
    chains = make_chains(addPrefix={"prefix": "/b"})
    assert pass_through(chains, "/", "addPrefix").target == b"/b/"
    chains.put(Middleware("addPrefix", "addPrefix", {"prefix": "/c"}))
    assert pass_through(chains, "/", "addPrefix").target == b"/c/"
    chains.remove("addPrefix")
    with pytest.raises(ChainError, match="does not exist"):
        pass_through(chains, "/", "addPrefix")


@pytest.mark.parametrize(
    ("middleware", "reason"),
    [
        (
            Middleware("m", "later", {}),
            "kind later, which is not served yet",
        ),
        (Middleware("m", "stripPrefix", {"prefixes": ["/a"]}, unusable=True), "could not be read"),
        (Middleware("m", "stripPrefixRegex", {"regex": ["("]}), "invalid regular expression"),
        (Middleware("m", "chain", {"middlewares": ["m"]}), "a part of itself"),
        (Middleware("m", "chain", {"middlewares": ["n"]}), "n does not exist"),
    ],
)
def test_unusable_middlewares_are_refused(middleware: Middleware, reason: str) -> None:
    chains = Chains()
    chains.put(middleware)
    for _ in range(2):
        with pytest.raises(ChainError, match=reason):
            chains.compile_chain(("m",), "router", "r")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
targets = st.text("/ab.%2eEfF0d?+~\xe9", max_size=12).map(lambda text: "/" + text)


@given(texts, texts, targets)
def test_the_target_stays_valid_with_any_options(one: str, two: str, sent: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "addPrefix": {"prefix": one},
        "stripPrefix": {"prefixes": [one, "/a"], "forceSlash": len(two) % 2 == 0},
        "replacePath": {"path": one},
        "replacePathRegex": {"regex": "a", "replacement": two},
        "stripPrefixRegex": {"regex": ["^/a|^/%"]},
    }
    for kind, options in kinds.items():
        try:
            request = pass_through(make_chains(**{kind: options}), sent, kind)
        except RequestError as error:
            assert error.status == 400
            continue
        again = b"GET " + request.target + b" HTTP/1.1" + request.headers + b"\r\n\r\n"
        parsed = parse_request(again, Limits())
        assert parsed is not None
        assert parsed.target == request.target
