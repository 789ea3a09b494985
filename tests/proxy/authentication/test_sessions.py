"""Sessions of the dashboard: valid for one token and a limited time."""

import pytest
from itsdangerous import TimestampSigner

from proxy.authentication.sessions import LIFETIME, Sessions


def test_a_session_is_valid_wherever_the_token_is_the_same() -> None:
    session = Sessions(b"s3cret").issue()
    assert Sessions(b"s3cret").is_valid(session)
    assert "s3cret" not in session


def test_a_session_is_invalid_after_the_token_changes() -> None:
    assert not Sessions(b"changed").is_valid(Sessions(b"s3cret").issue())


def test_every_session_is_different() -> None:
    sessions = Sessions(b"s3cret")
    assert sessions.issue() != sessions.issue()


def test_a_session_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(b"s3cret")
    issued_at = TimestampSigner(b"any").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: issued_at)
    session = sessions.issue()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: issued_at + LIFETIME - 5)
    assert sessions.is_valid(session)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: issued_at + LIFETIME + 5)
    assert not sessions.is_valid(session)


@pytest.mark.parametrize("session", ["", ".", "a.b.c", "s3cret", "\udcff", "ä.ö.ü"])
def test_other_values_are_no_session(session: str) -> None:
    assert not Sessions(b"s3cret").is_valid(session)


def test_a_session_cannot_be_altered() -> None:
    sessions = Sessions(b"s3cret")
    nonce, issued_at, signature = sessions.issue().split(".")
    assert not sessions.is_valid(f"{nonce}.AAAAAA.{signature}")
    assert not sessions.is_valid(f"other.{issued_at}.{signature}")
