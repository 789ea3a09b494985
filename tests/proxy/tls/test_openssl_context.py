import os
import ssl
from pathlib import Path

import pytest

from proxy.tls import openssl_context
from proxy.tls.openssl_context import KEY_BYTES, OpenSsl, openssl
from tests.lab.certificate import write_certificate
from tests.proxy.tls.handshakes import client_context, connect, server_context

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("own") / "own.pem")


def access() -> OpenSsl:
    found = openssl()
    assert found is not None
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shared", [True, False])
def test_a_session_is_resumed_where_the_keys_are_the_same(
    certificate: Path, version: ssl.TLSVersion, shared: bool
) -> None:
    first, second = server_context(certificate), server_context(certificate)
    keys = os.urandom(KEY_BYTES)
    access().set_ticket_keys(first, keys)
    access().set_ticket_keys(second, keys if shared else os.urandom(KEY_BYTES))
    client = client_context(version)
    begun = connect(client, first)
    assert not begun.session_reused
    again = connect(client, second, begun.session)
    assert again.session_reused is shared


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scopes", [(b"a", b"a"), (b"a", b"b")])
def test_a_session_is_resumed_within_its_scope(
    certificate: Path, version: ssl.TLSVersion, scopes: tuple[bytes, bytes]
) -> None:
    keys = os.urandom(KEY_BYTES)
    servers = [server_context(certificate) for _ in scopes]
    for server, scope in zip(servers, scopes, strict=True):
        access().set_ticket_keys(server, keys)
        access().limit_sessions(server, scope)
    client = client_context(version)
    begun = connect(client, servers[0])
    assert connect(client, servers[1], begun.session).session_reused is (scopes[0] == scopes[1])


def test_a_scope_is_of_32_bytes_at_most(certificate: Path) -> None:
    access().limit_sessions(server_context(certificate), bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        access().limit_sessions(server_context(certificate), bytes(33))


def test_groups_that_openssl_lacks_are_not_set(certificate: Path) -> None:
    server = server_context(certificate)
    assert access().set_groups(server, "P-384:X25519")
    assert not access().set_groups(server, "P-384:nobody")


def test_an_unknown_python_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl_context, "_TRIED", ((3, 8), (3, 8)))
    assert openssl.__wrapped__() is None


def test_keys_that_openssl_does_not_keep_are_not_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Another control of SSL_CTX_ctrl, which stores nothing: a real OpenSSL has no such fault.
    monkeypatch.setattr(openssl_context, "_GET_TICKET_KEYS", 33)
    with caplog.at_level("INFO"):
        assert openssl.__wrapped__() is None
    assert "session tickets hold for one worker" in caplog.text
