"""Tokens, users and passwords, and the origin of requests."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.authentication.credentials import CredentialError, Credentials
from proxy.authentication.passwords import is_supported_hash, matches
from proxy.authentication.request_origin import is_cross_origin, is_json, is_local_name
from rondpoint.settings import Api, BasicAuth

# Hashes of the password "test" in the forms of htpasswd, openssl passwd and Traefik's documentation.
HASHES = {
    "apr1": "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
    "sha1": "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=",
}


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class CountingVerifier:
    """Compares passwords and counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, compare: Callable[[], bool]) -> bool:
        self.calls += 1
        return compare()


def users(*lines: str, file: Path | None = None) -> Api:
    return Api(basic_auth=BasicAuth(users=lines, users_file=file))


@pytest.mark.parametrize("name", ["apr1", "sha1"])
def test_htpasswd_hashes_are_supported(name: str) -> None:
    assert is_supported_hash(HASHES[name])
    assert matches("test", HASHES[name])
    assert not matches("Test", HASHES[name])


def test_bcrypt_uses_the_first_72_bytes() -> None:
    hashed = "$2b$04$YmnoLXK9l5AxyB51XKaWlOqmBC2UXotZcdebvO3ZfOkJ6TgSOiQpi"
    assert is_supported_hash(hashed)
    assert matches("x" * 72, hashed)
    assert matches("x" * 100, hashed)
    assert not matches("x" * 71, hashed)
    assert not matches("x" * 10_000, hashed)


@pytest.mark.parametrize("hashed", ["", "test", "$apr1$", "$6$x$y", "{SSHA}x"])
def test_errors_about_other_hashes_name_only_the_user(hashed: str) -> None:
    with pytest.raises(CredentialError) as refused:
        Credentials(users(f"eve:{hashed}"))
    assert "eve" in str(refused.value)
    assert not hashed or hashed not in str(refused.value)


def test_a_line_without_a_user_is_refused() -> None:
    with pytest.raises(CredentialError, match="NAME:HASH"):
        Credentials(users("nothing"))


def test_users_authenticate_with_their_password() -> None:
    credentials = Credentials(users(f"eve:{HASHES['apr1']}", f"adam:{HASHES['sha1']}"))
    assert credentials.authenticate(basic("eve", "test")) == "eve"
    assert credentials.authenticate(basic("adam", "test")) == "adam"
    for wrong in (
        basic("eve", "x"),
        basic("bob", "test"),
        "Basic !",
        "Basic ÿþ",
        "Basic dGVzdA==",
        "Bearer test",
        "",
    ):
        assert credentials.authenticate(wrong) is None
    assert credentials.challenges == 'Basic realm="rondpoint", charset="UTF-8"'


def test_a_verified_password_is_not_compared_again_for_a_while() -> None:
    verify = CountingVerifier()
    credentials = Credentials(users(f"eve:{HASHES['sha1']}"), verify)
    for _ in range(3):
        assert credentials.authenticate(basic("eve", "test")) == "eve"
        assert credentials.authenticate(basic("eve", "wrong")) is None
    assert verify.calls == 4


def test_unknown_users_are_compared_too() -> None:
    verify = CountingVerifier()
    credentials = Credentials(users(f"eve:{HASHES['sha1']}"), verify)
    # It fails even with the password of the decoy hash.
    assert credentials.authenticate(basic("bob", "test")) is None
    assert verify.calls == 1


def test_a_token_authenticates(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    for api in (Api(token="s3cret"), Api(token_file=tmp_path / "token")):
        credentials = Credentials(api)
        assert credentials.authenticate("Bearer s3cret") == "token"
        assert credentials.authenticate("bearer  s3cret ") == "token"
        assert credentials.authenticate("Bearer s3cre") is None
        assert credentials.authenticate(basic("token", "s3cret")) is None
        assert credentials.challenges == 'Bearer realm="rondpoint"'


def test_errors_name_unusable_files(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(CredentialError, match=r"api\.tokenFile.*none"):
        Credentials(Api(token_file=tmp_path / "none"))
    with pytest.raises(CredentialError, match="is empty"):
        Credentials(Api(token_file=tmp_path / "empty"))
    with pytest.raises(CredentialError, match=r"api\.basicAuth\.usersFile.*none"):
        Credentials(users(file=tmp_path / "none"))


def test_users_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "users").write_text(f"# us\n\neve:{HASHES['apr1']}\n")
    assert Credentials(users(file=tmp_path / "users")).authenticate(basic("eve", "test")) == "eve"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:8080", "a.localhost:1", "127.0.0.1:8080", "[::1]:8080", "192.0.2.1"]
)
def test_names_of_this_machine_and_addresses_cannot_be_rebound(host: str) -> None:
    assert is_local_name(host)


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test:8080", "127.0.0.1.evil.test", "", "[::1"])
def test_other_names_can_be_rebound(host: str) -> None:
    assert not is_local_name(host)


@pytest.mark.parametrize(
    ("origin", "site", "cross_origin"),
    [
        ("", "", False),
        ("http://me:8080", "", False),
        ("http://ME:8080", "same-origin", False),
        ("", "none", False),
        ("http://evil.test", "", True),
        ("http://me:8081", "", True),
        ("null", "", True),
        ("http://[", "", True),
        ("", "cross-site", True),
        ("http://me:8080", "same-site", True),
    ],
)
def test_requests_of_other_origins_are_detected(origin: str, site: str, cross_origin: bool) -> None:
    assert is_cross_origin("me:8080", origin, site) is cross_origin


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/merge-patch+json", True),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("", False),
    ],
)
def test_json_types_are_recognised(content_type: str, json: bool) -> None:
    assert is_json(content_type) is json
