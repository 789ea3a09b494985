"""The protocols of a 101 that count as offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.upgrades import was_offered


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (b"websocket", b"websocket"),
        (b"websocket", b"WebSocket"),
        (b"WebSocket", b"websocket"),
        (b"irc/6.9, websocket,\trta/x11", b"websocket"),
        (b"IRC/6.9", b"irc/6.9"),
        (b"irc", b"irc/6.9"),
        (b"irc/6.9", b"irc"),
        (b"irc/6, irc/7", b"irc/7"),
        (b"tls/1.0, http/1.1", b"TLS/1.0, HTTP/1.1"),
        (b",websocket,,", b"websocket ,"),
    ],
)
def test_offered(offered: bytes, chosen: bytes) -> None:
    assert was_offered(offered, chosen)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (b"websocket", b"echo"),
        (b"websocket", b"websocket2"),
        (b"websocket2", b"websocket"),
        (b"irc/6.9", b"irc/7"),
        (b"websocket", b"websocket, echo"),
        (b"websocket echo", b"echo"),
        (b"websocket", b""),
        (b"websocket", b","),
        (b"websocket", b"/13"),
        (b"", b"websocket"),
        (b"", b""),
    ],
)
def test_not_offered(offered: bytes, chosen: bytes) -> None:
    assert not was_offered(offered, chosen)


protocols = st.lists(st.sampled_from([b"a", b"b", b"c/1", b"d/2.0"]), min_size=1)


@given(protocols, protocols)
def test_a_choice_of_offered_protocols_is_accepted(offered: list[bytes], chosen: list[bytes]) -> None:
    good = was_offered(b", ".join(offered), b",".join(chosen).upper())
    assert good == (set(chosen) <= set(offered))
