"""Middlewares that refuse encoded characters."""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, SampleRequest

OPTIONS = ("Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash")


def requests(*paths: str) -> list[SampleRequest]:
    return [SampleRequest(path) for path in paths]


def options(*allowed: str) -> dict[str, bool]:
    return {f"allowEncoded{name}": name in allowed for name in OPTIONS}


REQUESTS = [
    *requests("/", "/x/a%2Fb", "/x/a%5Cb", "/x/a%00b", "/x/a%3Bb", "/x/a;b", "/x/a%25b", "/x/a%252Fb"),
    *requests("/x/a%3Fb", "/x/a%23b", "/x/a?b=%2F", "/x/a%20b", "/x/a%22b", "/x/a%7Cb%2F", "/x/a%C3%A9"),
]

CASES = [
    Case(
        "encoded-none",
        {"guard": {"encodedCharacters": options()}},
        [*REQUESTS, *requests("/x/a%2fb", "/x/a%5cb", "/x/a%3bb", "/x/a%3fb")],
    ),
    Case("encoded-slash", {"guard": {"encodedCharacters": options("Slash")}}, REQUESTS),
    Case(
        "encoded-one-given",
        {"guard": {"encodedCharacters": {"allowEncodedPercent": True}}},
        [*REQUESTS, SampleRequest("/a%2Fb", "POST", body=b"body")],
    ),
    Case("encoded-all", {"guard": {"encodedCharacters": options(*OPTIONS)}}, REQUESTS),
    Case(
        "encoded-after-rewriting",
        {
            "strip": {"stripPrefix": {"prefixes": ["/x"]}},
            "guard": {"encodedCharacters": {"allowEncodedHash": True}},
        },
        REQUESTS,
        chain=["strip", "guard"],
    ),
    Case(
        "encoded-slash-after-a-prefix",
        {
            "strip": {"stripPrefix": {"prefixes": ["/a"]}},
            "guard": {"encodedCharacters": {"allowEncodedHash": True}},
        },
        requests("/a%2Fb"),
        chain=["strip", "guard"],
        departure="Traefik's stripPrefix decodes this slash before the guard sees it; Rondpoint refuses it",
    ),
    Case(
        "encoded-needlessly",
        {"guard": {"encodedCharacters": {"allowEncodedSlash": True}}},
        requests("/x/a%41b", "/x/a%2fb"),
        departure="Traefik's entry points write escapes anew, and Rondpoint forwards paths as they were sent",
    ),
]
