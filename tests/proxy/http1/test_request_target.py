"""Targets of requests: a table of how they are rewritten, and any other target."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.request_target import RESOLVED_TARGETS, TargetRules
from rondpoint.rules.request_normalisation import decode_path, normalise_path

KEPT, ENCODED = TargetRules(resolve_path=False), TargetRules(encode_semicolons=True)
ANY_RULES = [TargetRules(path, query) for path in (True, False) for query in (True, False)]

RESOLVED = {
    b"/": b"/",
    b"//": b"/",
    b"/a/": b"/a/",
    b"/a//b": b"/a/b",
    b"/a//": b"/a/",
    b"/./a/./b/.": b"/a/b/",
    b"/a/../b": b"/b",
    b"/a/b/..": b"/a/",
    b"/..": b"/",
    b"/../../a": b"/a",
    b"/a/%2e%2E/b": b"/b",
    b"/a/.%2e/b": b"/b",
    b"/a/%2e/b%2e": b"/a/b%2e",
    b"/a/..%2fb/": b"/a/..%2fb/",
    b"/a/...": b"/a/...",
    b"/.a/..b": b"/.a/..b",
    b"/a.b/c..": b"/a.b/c..",
    b"/%61//%2F": b"/%61/%2F",
    b"/a/..;/b": b"/a/..;/b",
    b"/x/../a?b=/../c//d;e": b"/a?b=/../c//d;e",
    b"//a.test/b": b"/a.test/b",
    b"/caf\xc3\xa9//\xff": b"/caf\xc3\xa9/\xff",
}


@pytest.mark.parametrize("target", RESOLVED, ids=str)
def test_a_path_is_resolved(target: bytes) -> None:
    assert RESOLVED_TARGETS.rewrite(target) == RESOLVED[target]
    stays = RESOLVED[target] == target
    assert (RESOLVED_TARGETS.unchanged.fullmatch(target) is not None) == stays
    line = RESOLVED_TARGETS.request_line.match(b"GET " + target + b" HTTP/1.1\r\n")
    assert (line is not None) == (stays and target.isascii())


@pytest.mark.parametrize("target", RESOLVED, ids=str)
def test_a_path_is_kept(target: bytes) -> None:
    assert KEPT.rewrite(target) == target
    assert KEPT.unchanged.fullmatch(target)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a?b=c;d", b"/a?b=c%3Bd"),
        (b"/a;b?c;;d", b"/a;b?c%3B%3Bd"),
        (b"/a;b", b"/a;b"),
        (b"/a?b%3bc", b"/a?b%3bc"),
        (b"/a?b?;", b"/a?b?%3B"),
    ],
)
def test_semicolons_of_a_query_are_encoded(target: bytes, expected: bytes) -> None:
    assert ENCODED.rewrite(target) == expected
    assert KEPT.rewrite(target) == target


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/a/b.html?c=/../d//e",
        b"/a%20b/%2F/",
        b"/?",
        b"/a?",
        b"/.well-known/..a",
        b"/:@!$&'()*+,;=~\\|{}^`\"<>[]",
    ],
)
@pytest.mark.parametrize("version", [b"", b" HTTP/1.1\r\nHost: a\r\n"])
def test_usual_targets_need_no_rewriting(target: bytes, version: bytes) -> None:
    pattern = RESOLVED_TARGETS.request_line if version else RESOLVED_TARGETS.unchanged
    data = b"GET " + target + version if version else target
    match = pattern.match(data) if version else pattern.fullmatch(data)
    assert match is not None
    assert match.groups()[-1] == target


pieces = st.sampled_from(
    [b"/", b"//", b".", b"..", b"%2e", b"%2E", b"%2f", b"%", b"%61", b"a", b";", b"?", b"#", b"\xff", b" "]
)
targets = st.lists(pieces, max_size=8).map(lambda found: b"/" + b"".join(found))


@given(targets, st.sampled_from(ANY_RULES))
def test_a_target_that_matches_stays_unchanged(target: bytes, rules: TargetRules) -> None:
    if rules.unchanged.fullmatch(target):
        assert rules.rewrite(target) == target
    line = rules.request_line.match(b"GET " + target + b" HTTP/1.1\r\n")
    assert (line is not None) == (
        target.isascii() and b" " not in target and rules.unchanged.fullmatch(target) is not None
    )


@given(targets, st.sampled_from(ANY_RULES))
def test_rewriting_leaves_a_target_that_matches(target: bytes, rules: TargetRules) -> None:
    written = rules.rewrite(target)
    assert rules.rewrite(written) == written
    # An escaped dot within a name is examined again each time, and stays.
    if not re.search(rb"[ #]|%2[eE]", written):
        assert rules.unchanged.fullmatch(written)


@given(targets)
def test_rules_see_a_resolved_path_as_the_server_does(target: bytes) -> None:
    written = RESOLVED_TARGETS.rewrite(target)
    assert decode_path(written) == normalise_path(written) == normalise_path(target)
