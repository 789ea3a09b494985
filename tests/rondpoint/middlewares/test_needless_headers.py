"""Headers that the proxy handles by itself, in the options of `headers`."""

from __future__ import annotations

import pytest

from rondpoint.middlewares.needless_headers import split_needless_headers

NEEDLESS = [
    ("Connection", "Upgrade"),
    ("connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Upgrade", "$http_upgrade"),
    ("Keep-Alive", "timeout=5"),
]
KEPT = [
    ("Connection", "x-secret"),
    ("Connection", "upgrade, x-secret"),
    ("Connection", "close"),
    ("Connection", ""),
    ("Transfer-Encoding", "chunked"),
    ("X-A", "upgrade"),
]


@pytest.mark.parametrize(("name", "value"), NEEDLESS)
def test_headers_for_websocket_are_split_off(name: str, value: str) -> None:
    options = {"customrequestheaders": {name: value, "X-A": "b"}, "frameDeny": True}
    left, needless = split_needless_headers(options)
    assert left == {"customrequestheaders": {"X-A": "b"}, "frameDeny": True}
    assert needless == (("customrequestheaders", name),)


@pytest.mark.parametrize(("name", "value"), KEPT)
def test_headers_that_change_something_stay(name: str, value: str) -> None:
    options = {"customRequestHeaders": {name: value}}
    assert split_needless_headers(options) == (options, ())


@pytest.mark.parametrize(
    "options", [None, "true", {"customRequestHeaders": "Connection"}, {"a": {"Upgrade": "websocket"}}]
)
def test_other_options_stay_as_they_are(options: object) -> None:
    assert split_needless_headers(options) == (options, ())
