"""Keys that a store has forgotten are retained; keys that were deleted are not."""

import pytest

from discovery.providers.key_value import KeyUpdate, retained_keys
from discovery.providers.key_value.retained_keys import RetainedKeys


def whole(*keys: str, may_be_reset: bool = False) -> KeyUpdate:
    return KeyUpdate(dict.fromkeys(keys, b"1"), whole=True, may_be_reset=may_be_reset)


def test_whole_updates_and_changes() -> None:
    keys = RetainedKeys()
    assert not keys.update(whole("a", "b"))
    assert keys.take_changes() == {"a": b"1", "b": b"1"}
    keys.update(KeyUpdate({"a": b"2", "b": b"1", "c": None}))
    assert keys.take_changes() == {"a": b"2"}
    keys.update(whole("a"))
    assert keys.take_changes() == {"a": b"1", "b": None}
    assert (keys.keys, keys.next_expiry) == ({"a": b"1"}, None)


def test_a_reset_retains_keys_until_they_are_written_or_their_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = RetainedKeys()
    keys.update(whole("a", "b", "c", "d"))
    keys.take_changes()
    assert keys.update(whole("a", may_be_reset=True))
    assert keys.take_changes() == {}
    keys.update(KeyUpdate({"b": b"2", "c": None}))
    keys.update(whole("a", "b"))
    assert keys.take_changes() == {"b": b"1", "c": None}
    assert set(keys.keys) == {"a", "b", "d"}
    assert not keys.drop_expired()
    assert keys.next_expiry is not None
    monkeypatch.setattr(retained_keys.time, "monotonic", lambda: float("inf"))
    assert keys.drop_expired()
    assert (keys.take_changes(), set(keys.keys)) == ({"d": None}, {"a", "b"})
