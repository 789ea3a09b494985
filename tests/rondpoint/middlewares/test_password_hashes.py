"""A user without a hash of a password gets a diagnostic, because nobody can log in with that name."""

import pytest

from proxy.authentication.passwords import is_supported_hash
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.middlewares.password_hashes import is_hash

HASHES = {
    "bcrypt of htpasswd": ("$2y$05$YmnoLXK9l5AxyB51XKaWlOqmBC2UXotZcdebvO3ZfOkJ6TgSOiQpi", True),
    "bcrypt": ("$2b$04$YmnoLXK9l5AxyB51XKaWlOqmBC2UXotZcdebvO3ZfOkJ6TgSOiQpi", True),
    "MD5 of Apache": ("$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", True),
    "MD5": ("$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", True),
    "SHA-1": ("{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", True),
    "a password in clear": ("secret", False),
    "dollars that compose has replaced": ("YmnoLXK9l5AxyB51XKaWlOqmBC2UXotZcdebvO3ZfOkJ6TgSOiQpi", False),
    "dollars doubled once too often": ("$$apr1$$H6uskkkW$$IgXLP6ewTrSuBkTrqE8wj/", False),
    "SHA-256": ("$5$saltsalt$U2HFvgxDZs6rlAHXGkFQuhqvcEfyxO4ANJ0UNIB3Vd4", False),
    "a hash cut short": ("$2y$05$YmnoLXK9l5AxyB51XKaWlOqmBC2UXotZcdebvO3ZfOkJ6TgSOi", False),
}


@pytest.mark.parametrize(("text", "expected"), HASHES.values(), ids=HASHES)
def test_a_hash_is_one_that_the_proxy_can_compare(text: str, expected: bool) -> None:
    assert is_hash(text) is expected
    assert is_supported_hash(text) is expected


def test_users_without_a_hash_are_named_and_the_others_can_log_in() -> None:
    good = f"anna:{HASHES['SHA-1'][0]}"
    found = canonicalise("basicAuth", {"users": f"{good},ben:hunter2,eve:letmein"}, str)
    assert found.usable
    assert found.options["users"] == [good, "ben:hunter2", "eve:letmein"]
    (fault,) = found.errors
    assert (fault.path, fault.value, fault.fatal) == (("users",), None, False)
    assert fault.message == ("has no hash of a password for ben, eve, so nobody can log in with these names")
    assert "hunter2" not in f"{fault.message}{fault.hint}"


def test_many_users_without_a_hash_make_a_short_message() -> None:
    users = [f"user{number}:x" for number in range(100)]
    (fault,) = canonicalise("basicAuth", {"users": users}, str).errors
    assert "user0, user1, user2, … (100 users)" in fault.message
