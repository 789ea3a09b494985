"""The middleware encodedCharacters: a table of paths, and any other path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import parse_request
from proxy.http1.request_target import TargetRules
from proxy.middlewares.encoded_characters import encoded_characters
from rondpoint.middlewares.canonical import add_defaults
from tests.proxy.middlewares.sender import Sender

# So that the step sees each path as it is written here.
KEEPING = Limits(targets=TargetRules(resolve_path=False))
OPTIONS = {
    "allowEncodedSlash": "%2F",
    "allowEncodedBackSlash": "%5C",
    "allowEncodedNullCharacter": "%00",
    "allowEncodedSemicolon": "%3B",
    "allowEncodedPercent": "%25",
    "allowEncodedQuestionMark": "%3F",
    "allowEncodedHash": "%23",
}


def passes(target: str, *allowed: str) -> bool:
    """Return whether a request with this target passes if these options are true."""
    step = encoded_characters(add_defaults("encodedCharacters", dict.fromkeys(allowed, True)))
    request = parse_request(f"GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode(), KEEPING)
    assert request is not None
    parsed = request.target
    try:
        step(request, Sender())
    except RequestError as error:
        assert error.status == 400
        return False
    assert request.target == parsed
    return True


@pytest.mark.parametrize(("option", "escape"), OPTIONS.items())
def test_each_option_allows_its_character_alone(option: str, escape: str) -> None:
    for written in {escape, escape.lower()}:
        assert not passes(f"/a{written}b")
        assert passes(f"/a{written}b", option)
        assert not passes(f"/a{written}b", *(other for other in OPTIONS if other != option))


@pytest.mark.parametrize(
    ("target", "accepted"),
    [
        ("/", True),
        ("/a/b;c", True),
        ("/%20%41%C3%A9", True),
        ("/a?b=%2F%00", True),
        ("/a%2e%2e/b", True),
        ("/%252F", False),
        ("/%2", False),
        ("/%", False),
        ("/%zz", False),
        ("/%2g", False),
        ("/a%2F?b", False),
    ],
)
def test_paths(target: str, accepted: bool) -> None:
    assert passes(target) is accepted


def test_with_all_options_every_path_passes() -> None:
    assert passes("/%2F%5c%00%3B%25%3f%23%zz", *OPTIONS)


@given(
    st.text("/%0123456789ABCDEFabcdef.", max_size=12).map("/".__add__), st.sets(st.sampled_from([*OPTIONS]))
)
def test_an_accepted_path_has_only_allowed_escapes(target: str, allowed: set[str]) -> None:
    if passes(target, *allowed) and len(allowed) < len(OPTIONS):
        escapes = {target[at : at + 3].upper() for at, character in enumerate(target) if character == "%"}
        assert not escapes & {escape for option, escape in OPTIONS.items() if option not in allowed}
