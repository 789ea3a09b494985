"""Private keys are sealed for the store, and only with the right secret they are opened again."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from rondpoint.settings import Redis, Settings, Store
from rondpoint.store import sealing
from rondpoint.store.sealing import Sealer, SealError, sealer_of

SECRET, OTHER = b"s" * 32, b"t" * 32
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQ…\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("text", ["", "x", KEY, "sealed:v1:like one"])
def test_a_sealed_text_reveals_nothing_and_is_opened_again(text: str) -> None:
    sealed = Sealer(SECRET).seal(text)
    assert sealed.startswith("sealed:v1:")
    assert len(text) < 2 or text not in sealed
    assert Sealer(SECRET).open(sealed) == text


def test_equal_texts_are_sealed_equally_and_others_with_another_nonce() -> None:
    sealer = Sealer(SECRET)
    assert sealer.seal(KEY) == sealer.seal(KEY)
    nonces = {base64.b64decode(sealer.seal(KEY + str(n)).rpartition(":")[2])[:12] for n in range(50)}
    assert len(nonces) == 50
    assert Sealer(OTHER).seal(KEY) != sealer.seal(KEY)


def test_without_a_secret_texts_stay_as_they_are() -> None:
    assert (Sealer().seal(KEY), Sealer().open(KEY), Sealer(SECRET).open(KEY)) == (KEY, KEY, KEY)
    assert (Sealer().seals, Sealer(SECRET).seals) == (False, True)


def test_a_former_secret_opens_and_does_not_seal() -> None:
    both = Sealer(OTHER, [SECRET])
    assert both.open(Sealer(SECRET).seal(KEY)) == KEY
    assert both.seal(KEY) == Sealer(OTHER).seal(KEY)


SEALED = Sealer(SECRET).seal(KEY)
HEADER, DATA = SEALED[:19], SEALED[19:]
UNREADABLE = {
    "no secret": (Sealer(), SEALED, "this process has no secret: set store.secretFile"),
    "another secret": (Sealer(OTHER), SEALED, "the same store.secretFile"),
    "another byte": (Sealer(SECRET), HEADER + ("A" if DATA[0] != "A" else "B") + DATA[1:], "damaged"),
    "no base64": (Sealer(SECRET), HEADER + "%" + DATA[1:], "damaged"),
    "no ASCII": (Sealer(SECRET), HEADER + "ÿ" + DATA[1:], "damaged"),
    "cut short": (Sealer(SECRET), HEADER + DATA[:16], "damaged"),
    "no data": (Sealer(SECRET), HEADER, "damaged"),
    "no parts": (Sealer(SECRET), "sealed:v1:", "damaged"),
    "a later form": (Sealer(SECRET), SEALED.replace("v1", "v2"), "another version"),
}


@pytest.mark.parametrize(("sealer", "sealed", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_text_that_cannot_be_opened_says_why(sealer: Sealer, sealed: str, reason: str) -> None:
    with pytest.raises(SealError, match=reason):
        sealer.open(sealed)


def settings(**store: object) -> Settings:
    return Settings(store=Store(**store))


def test_the_secret_comes_from_the_file_before_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"\n {OTHER.decode()} \n{SECRET.decode()}\n")
    sealer = sealer_of(settings(secret="u" * 32, secret_file=str(file)))
    assert sealer.seal(KEY) == Sealer(OTHER).seal(KEY)
    assert sealer.open(SEALED) == KEY
    assert sealer_of(settings(secret=SECRET.decode())).seal(KEY) == SEALED
    assert not sealer_of(Settings()).seals


def test_an_unusable_secret_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "short").write_text(f"{SECRET.decode()}\nshort\n")
    for store, reason in (
        ({"secret": "secret"}, "store.secret has a secret of 6 characters; expected 32 or more"),
        ({"secret_file": str(tmp_path / "none")}, "none cannot be read"),
        ({"secret_file": str(tmp_path / "empty")}, "empty is empty"),
        ({"secret_file": str(tmp_path / "short")}, "short has a secret of 5 characters"),
    ):
        with pytest.raises(SealError, match=reason):
            sealer_of(settings(**store))


def test_the_first_key_that_stays_in_clear_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    # Another test of this process may have led to the warning.
    sealing._warn_once.cache_clear()
    sealers = [sealer_of(Settings(redis=Redis(url="redis://r"))) for _ in range(2)]
    assert caplog.messages == []
    for sealer in (*sealers, *sealers):
        assert sealer.seal(KEY) == KEY
    (warning,) = caplog.messages
    assert "can impersonate the hosts" in warning
    assert "store.secretFile" in warning


def test_keys_in_the_embedded_store_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert sealer_of(Settings(redis=Redis(url="unix:///s", embedded=True))).seal(KEY) == KEY
    sealer_of(settings(secret=SECRET.decode())).seal(KEY)
    assert caplog.messages == []


def test_nothing_is_loaded_before_something_is_sealed() -> None:
    code = (
        "import sys; from rondpoint.store.sealing import Sealer; sealer = Sealer(b's' * 32); "
        "sealer.open('x'); assert not {'cryptography', 'ssl'} & set(sys.modules); "
        "sealer.seal('x'); assert 'cryptography' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
