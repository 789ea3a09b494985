"""Which credentials a worker checks, and how often."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import gevent
import pytest
from flask import Flask

from proxy.admin.authentication import MAX_COMPARISONS, Authenticator
from proxy.admin.json_responses import Refusal
from proxy.authentication import credentials
from proxy.authentication.login_attempts import BURST
from proxy.authentication.passwords import matches
from rondpoint.settings import Api, BasicAuth
from tests.proxy.admin.test_authorisation import APR1

LONG = "9f86d081884c7d659a2feaa0c55ad015"
SHORT = "s3cret"


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@contextmanager
def request_from(app: Flask, client: str = "10.0.0.1") -> Iterator[None]:
    with app.test_request_context(environ_base={"REMOTE_ADDR": client}):
        yield


def app_with(api: Api) -> tuple[Flask, Authenticator]:
    app = Flask(__name__)
    app.config["RUNTIME"] = SimpleNamespace(settings=SimpleNamespace(api=api))
    with request_from(app):
        return app, Authenticator()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a hash."""
    seen: list[str] = []

    def match(password: str, hashed: str) -> bool:
        seen.append(password)
        return matches(password, hashed)

    monkeypatch.setattr(credentials, "matches", match)
    return seen


def exhaust(authenticator: Authenticator) -> None:
    for number in range(BURST):
        assert authenticator.authenticate(f"Bearer guess {number}") is None
    assert authenticator.wait_seconds() > 0


def test_a_client_with_a_strong_token_is_never_locked_out() -> None:
    app, authenticator = app_with(Api(token=LONG, basic_auth=BasicAuth(users=(f"eve:{APR1}",))))
    with request_from(app):
        exhaust(authenticator)
        assert authenticator.authenticate(f"Bearer {LONG}") == "token"
        assert authenticator.token_matches(LONG)
        for other in (f"Bearer {LONG[:-1]}", "Bearer one more", basic("eve", "test")):
            with pytest.raises(Refusal) as refused:
                authenticator.authenticate(other)
            assert refused.value.status == 429


@pytest.mark.parametrize("token", [SHORT, "0123456" * 5, LONG[:-1]])
def test_a_weak_token_is_not_checked_during_the_wait(token: str) -> None:
    app, authenticator = app_with(Api(token=token))
    with request_from(app):
        assert authenticator.authenticate(f"Bearer {token}") == "token"
        exhaust(authenticator)
        # Otherwise the wait would not protect against a right guess.
        assert not authenticator.token_matches(token)
        with pytest.raises(Refusal):
            authenticator.authenticate(f"Bearer {token}")
    with request_from(app, "10.0.0.2"):
        assert authenticator.authenticate(f"Bearer {token}") == "token"


def test_without_a_token_an_empty_one_is_refused() -> None:
    app, authenticator = app_with(Api(basic_auth=BasicAuth(users=(f"eve:{APR1}",))))
    with request_from(app):
        for empty in ("Bearer", "Bearer ", "bearer  ", "Basic", "x"):
            assert authenticator.authenticate(empty) is None
        assert not authenticator.token_matches("")


def test_the_same_wrong_password_is_compared_once(compared: list[str]) -> None:
    app, authenticator = app_with(Api(basic_auth=BasicAuth(users=(f"eve:{APR1}",))))
    with request_from(app):
        for _ in range(3 * BURST):
            assert authenticator.authenticate(basic("eve", "old")) is None
        assert compared == ["old"]
        assert authenticator.authenticate(basic("eve", "test")) == "eve"


def test_concurrent_passwords_are_limited_like_sequential_ones(compared: list[str]) -> None:
    app, authenticator = app_with(Api(basic_auth=BasicAuth(users=(f"eve:{APR1}",))))

    def guess(number: int) -> int:
        with request_from(app):
            try:
                return 401 if authenticator.authenticate(basic("eve", f"guess {number}")) is None else 200
            except Refusal as refused:
                return refused.status

    attempts = [gevent.spawn(guess, number) for number in range(5 * BURST)]
    gevent.joinall(attempts, raise_error=True)
    statuses = [each.value for each in attempts]
    assert set(statuses) == {401, 429}
    assert BURST <= len(compared) == statuses.count(401) < BURST + MAX_COMPARISONS
    with request_from(app):
        # The wait does not grow without limit.
        assert authenticator.wait_seconds() < 60
