"""Verifying passwords in threads, and remembering right ones."""

import threading

import gevent
import pytest

from proxy.authentication import password_verifier, remembered_passwords
from proxy.authentication.password_verifier import PasswordVerifier, PasswordVerifierBusyError
from proxy.authentication.remembered_passwords import REMEMBER_SECONDS


class Comparison:
    """Counts comparisons; the hash of a password is its text in capitals. Waits for `gate`, if it is set."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, str]] = []
        self.threads: set[int] = set()
        self.gate: threading.Event | None = None

    def __call__(self, password: bytes, hashed: str) -> bool:
        self.calls.append((password, hashed))
        self.threads.add(threading.get_ident())
        if self.gate is not None:
            assert self.gate.wait(10)
        return password.decode().upper() == hashed


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def comparison() -> Comparison:
    return Comparison()


def test_a_right_password_is_compared_once(comparison: Comparison) -> None:
    verifier = PasswordVerifier(comparison)
    assert [verifier.verify(b"a", "A") for _ in range(5)] == [True] * 5
    assert len(comparison.calls) == 1
    assert threading.get_ident() not in comparison.threads


def test_a_wrong_password_is_compared_each_time(comparison: Comparison) -> None:
    verifier = PasswordVerifier(comparison)
    assert verifier.verify(b"a", "A")
    assert [verifier.verify(b"b", "A") for _ in range(3)] == [False] * 3
    assert len(comparison.calls) == 4


def test_a_changed_hash_is_compared_anew(comparison: Comparison) -> None:
    verifier = PasswordVerifier(comparison)
    assert verifier.verify(b"a", "A")
    assert not verifier.verify(b"a", "B")
    # The bytes of hash and password together are the same as above.
    assert not verifier.verify(b"\0a", "")


def test_a_right_password_is_forgotten_after_a_while(comparison: Comparison) -> None:
    time = Time()
    verifier = PasswordVerifier(comparison, time)
    assert verifier.verify(b"a", "A")
    time.now += REMEMBER_SECONDS - 1
    assert verifier.verify(b"a", "A")
    assert len(comparison.calls) == 1
    time.now += 2
    assert verifier.verify(b"a", "A")
    assert len(comparison.calls) == 2


def test_the_number_of_remembered_passwords_is_limited(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered_passwords, "MAX_REMEMBERED", 2)
    verifier = PasswordVerifier(comparison)
    for password in (b"a", b"b", b"c", b"b", b"c", b"a"):
        assert verifier.verify(password, password.decode().upper())
    assert [password for password, _ in comparison.calls] == [b"a", b"b", b"c", b"a"]


def test_requests_with_the_same_password_wait_for_one_comparison(comparison: Comparison) -> None:
    comparison.gate = threading.Event()
    verifier = PasswordVerifier(comparison)
    waiting = [gevent.spawn(verifier.verify, password, "A") for password in (b"a", b"x", b"a", b"x", b"a")]
    gevent.sleep(0)
    # A client that leaves does not end the comparison for the others.
    waiting[0].kill()
    comparison.gate.set()
    gevent.joinall(waiting, timeout=10)
    assert [each.value for each in waiting[1:]] == [False, True, False, True]
    assert sorted(comparison.calls) == [(b"a", "A"), (b"x", "A")]


def test_the_number_of_waiting_passwords_is_limited(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_verifier, "MAX_PENDING", 2)
    comparison.gate = threading.Event()
    verifier = PasswordVerifier(comparison)
    waiting = [gevent.spawn(verifier.verify, password, "A") for password in (b"a", b"x")]
    gevent.sleep(0)
    with pytest.raises(PasswordVerifierBusyError):
        verifier.verify(b"y", "A")
    comparison.gate.set()
    gevent.joinall(waiting, timeout=10)
    assert not verifier.verify(b"y", "A")


def test_a_comparison_that_was_killed_does_not_count_as_right(comparison: Comparison) -> None:
    comparison.gate = threading.Event()
    verifier = PasswordVerifier(comparison)
    waiting = gevent.spawn(verifier.verify, b"a", "A")
    gevent.sleep(0)
    (running,) = verifier._pending.values()
    running.kill()
    assert waiting.get(timeout=10) is False
    comparison.gate.set()
