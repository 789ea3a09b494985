"""What a browser keeps once the token was shown."""

import pytest
from itsdangerous import TimestampSigner

from proxy.authentication.sessions import LIFETIME, Sessions


def test_a_session_holds_wherever_the_token_is_the_same() -> None:
    kept = Sessions(b"s3cret").begin()
    assert Sessions(b"s3cret").holds(kept)
    assert "s3cret" not in kept


def test_a_session_is_of_no_use_once_the_token_is_another() -> None:
    assert not Sessions(b"changed").holds(Sessions(b"s3cret").begin())


def test_no_two_sessions_are_the_same() -> None:
    sessions = Sessions(b"s3cret")
    assert sessions.begin() != sessions.begin()


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(b"s3cret")
    begun = TimestampSigner(b"any").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: begun)
    kept = sessions.begin()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: begun + LIFETIME - 5)
    assert sessions.holds(kept)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: begun + LIFETIME + 5)
    assert not sessions.holds(kept)


@pytest.mark.parametrize("kept", ["", ".", "a.b.c", "s3cret", "\udcff", "ä.ö.ü"])
def test_what_was_not_given_is_no_session(kept: str) -> None:
    assert not Sessions(b"s3cret").holds(kept)


def test_a_session_cannot_be_altered() -> None:
    sessions = Sessions(b"s3cret")
    nonce, begun, signature = sessions.begin().split(".")
    assert not sessions.holds(f"{nonce}.AAAAAA.{signature}")
    assert not sessions.holds(f"other.{begun}.{signature}")
