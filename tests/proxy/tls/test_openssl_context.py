import os
import ssl
from pathlib import Path

import pytest

from proxy.tls import ticket_keys
from proxy.tls.ticket_keys import KEY_BYTES, ticket_key_setter
from tests.lab.certificate import write_certificate
from tests.proxy.tls.handshakes import client_context, connect, server_context

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shared", [True, False])
def test_a_session_is_resumed_where_the_keys_are_the_same(
    tmp_path: Path, version: ssl.TLSVersion, shared: bool
) -> None:
    set_keys = ticket_key_setter()
    assert set_keys is not None
    certificate = write_certificate(tmp_path / "own.pem")
    first, second = server_context(certificate), server_context(certificate)
    keys = os.urandom(KEY_BYTES)
    set_keys(first, keys)
    set_keys(second, keys if shared else os.urandom(KEY_BYTES))
    client = client_context(version)
    begun = connect(client, first)
    assert not begun.session_reused
    again = connect(client, second, begun.session)
    assert again.session_reused is shared


def test_an_unknown_python_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_keys, "_TRIED", ((3, 8), (3, 8)))
    assert ticket_key_setter.__wrapped__() is None


def test_keys_that_openssl_does_not_keep_are_not_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Another control of SSL_CTX_ctrl, which stores nothing: a real OpenSSL has no such fault.
    monkeypatch.setattr(ticket_keys, "_GET", 33)
    with caplog.at_level("INFO"):
        assert ticket_key_setter.__wrapped__() is None
    assert "session tickets hold for one worker" in caplog.text
