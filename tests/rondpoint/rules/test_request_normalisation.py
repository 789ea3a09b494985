"""Normalised hosts, paths and queries: no spelling of a request bypasses a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules.request_normalisation import normalise_host, normalise_path, parse_query


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"a.test", "a.test"),
        (b"A.TEST", "a.test"),
        (b"a.test:8000", "a.test"),
        (b"a.test:", "a.test"),
        (b"a.test.", "a.test"),
        (b"A.test.:80", "a.test"),
        (b"a.test..", "a.test."),
        (b"127.0.0.1:80", "127.0.0.1"),
        (b"[::1]", "[::1]"),
        (b"[FE80::1]:8000", "[fe80::1]"),
        (b"[0:0:0:0:0:0:0:1]", "[::1]"),
        (b"[::1::]", "[::1::]"),
        (b"", ""),
    ],
)
def test_hosts_are_normalised(host: bytes, name: str) -> None:
    assert normalise_host(host) == name


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", "/"),
        (b"/a/b", "/a/b"),
        (b"/a?b=/../c", "/a"),
        (b"/?", "/"),
        # Unreserved characters are the same with and without the escape, whatever its case.
        (b"/%61dmin", "/admin"),
        (b"/%41%7e%2D%2d", "/A~--"),
        (b"/%7E", "/~"),
        # Reserved characters are not; their escape is normalised.
        (b"/a%2fb", "/a%2Fb"),
        (b"/a%5cb", "/a\\b"),
        (b"/a%3fb%23", "/a%3Fb%23"),
        (b"/%00%0a%7f", "/\0\n\x7f"),
        (b"/a%20b", "/a b"),
        (b"/%2561", "/%2561"),
        (b"/caf%c3%a9", "/café"),
        (b"/caf\xc3\xa9", "/café"),
        (b"/%ff\xff", "/\ufffd\ufffd"),
        # An invalid escape stays.
        (b"/%", "/%"),
        (b"/%4", "/%4"),
        (b"/%zz", "/%zz"),
        # Dot segments, RFC 3986 §5.2.4.
        (b"/.", "/"),
        (b"/..", "/"),
        (b"/a/.", "/a/"),
        (b"/a/..", "/"),
        (b"/a/./b", "/a/b"),
        (b"/a/../b", "/b"),
        (b"/a/b/../../c", "/c"),
        (b"/../../a", "/a"),
        (b"/a/b/c/./../../g", "/a/g"),
        (b"/a//../b", "/b"),
        (b"//a", "/a"),
        (b"/a//", "/a/"),
        (b"//", "/"),
        (b"/x/%2e%2e/admin", "/admin"),
        (b"/x/%2E./admin", "/admin"),
        (b"/x/..%2fadmin", "/x/..%2Fadmin"),
        (b"/.a/..b/c.", "/.a/..b/c."),
        (b"/...", "/..."),
    ],
)
def test_paths_are_normalised(target: bytes, path: str) -> None:
    assert normalise_path(target) == path


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"a=b&c=d", [("a", "b"), ("c", "d")]),
        (b"a=b;c=d", [("a", "b"), ("c", "d")]),
        (b"a=b;&&;c", [("a", "b"), ("c", "")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"%61+b=c%20d%3Be", [("a b", "c d;e")]),
        (b"a=%zz&b=c", [("b", "c")]),
        (b"=b", [("", "b")]),
        (b"?a=b", [("?a", "b")]),
        (b"", []),
    ],
)
def test_queries_are_parsed(query: bytes, pairs: list[tuple[str, str]]) -> None:
    assert parse_query(b"/a?" + query) == tuple(pairs)


segments = st.lists(
    st.sampled_from(["", ".", "..", "a", "%61", "%2e", "%2E.", "%2f", "%25", "..a", "%", "b?c"]), max_size=7
)


@given(segments)
def test_a_normalised_path_stays_the_same(parts: list[str]) -> None:
    path = normalise_path(("/" + "/".join(parts)).encode())
    assert path.startswith("/")
    assert not {".", ".."} & set(path.split("/"))
    # Decoding, which happens once, can turn a plain percent sign into the start of an escape.
    if "%" not in path:
        assert normalise_path(path.encode()) == path
